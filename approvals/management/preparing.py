"""Making the database ready, and saying in one sentence why it cannot be."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from approvals.management.known_migrations import find_unknown
from approvals.management.private_files import one_at_a_time

_log = logging.getLogger(__name__)
_FORBIDDEN = "permission denied for schema"  # to make tables, as PostgreSQL 15 and newer by default
_LOCK = 7_237_129  # any number that nobody else locks in this database


def prepare_database() -> None:
    """Bring the tables up to date; raises `CommandError` when the database cannot be used."""
    try:
        reach_database()
        with one_at_a_time(settings.APPROVALS_HOME), _one_in_this_database():
            _bring_up_to_date()
    except DatabaseError as error:
        raise CommandError(describe_trouble(error)) from error
    finally:
        connection.close()


def explain_trouble(error: DatabaseError) -> str:
    """Say why a command could not use the database, and the way out."""
    cause = _find_what_keeps_us_out()
    if cause is None and _FORBIDDEN not in str(error) and _lacks_tables():
        return "The database lacks tables of this release. Run `migrate` or `serve` first."
    return describe_trouble(cause or error)


def describe_trouble(error: DatabaseError) -> str:
    """Say why the database cannot be used, and where to look."""
    reason = " ".join(str(error).split()).removesuffix(".")
    if _FORBIDDEN in reason:
        user, name = (connection.settings_dict[key] for key in ("USER", "NAME"))
        return (
            f"The database cannot be used: {reason}. {user} needs a schema to make tables in."
            f" As the database's administrator: ALTER DATABASE {name} OWNER TO {user}"
        )
    return f"The database cannot be used: {reason}. Check DATABASE_URL and APPROVALS_HOME."


def _find_what_keeps_us_out() -> DatabaseError | None:
    """Return what a connection fails with; the pool would only tell how long it has tried."""
    try:
        reach_database()
    except DatabaseError as error:
        return error
    return None


def _lacks_tables() -> bool:
    try:
        return not _find_migrations() <= MigrationRecorder(connection).applied_migrations().keys()
    except DatabaseError:
        return False


def reach_database() -> None:
    """Connect once without the pool, which would try again and again before it gives up."""
    probe = connection.copy()
    probe.settings_dict["OPTIONS"] = {
        name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"
    }
    try:
        probe.ensure_connection()
    finally:
        probe.close()


def _bring_up_to_date() -> None:
    """Migrate where something is missing, and warn where a newer release has added something.

    Both would load all migrations, which takes long: the names of their files say whether to.
    """
    known = _find_migrations()
    applied = MigrationRecorder(connection).applied_migrations().keys()
    if not known <= applied:
        call_command("migrate", verbosity=0, interactive=False)
    if applied - known:
        _warn_of_newer_tables(applied)


def _warn_of_newer_tables(applied: Iterable[tuple[str, str]]) -> None:
    """Log where a newer release has migrated: that goes well as long as it only added to tables."""
    if unknown := find_unknown(applied):
        _log.warning(
            "The database is of a newer release, whose migration %s this one does not know."
            " Run both only while you upgrade, and put a backup back to go back for good.",
            unknown,
        )


def _find_migrations() -> set[tuple[str, str]]:
    return {
        (config.label, name)
        for config in apps.get_app_configs()
        for name in _find_names(config.label)
    }


def _find_names(label: str) -> list[str]:
    name, _ = MigrationLoader.migrations_module(label)
    try:
        package = import_module(name or "")
    except (ModuleNotFoundError, ValueError):
        return []  # an app without migrations
    return [module.name for module in iter_modules(package.__path__) if module.name[0] not in "_~"]


@contextmanager
def _one_in_this_database() -> Iterator[None]:
    """Let processes on several machines migrate one after the other."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
