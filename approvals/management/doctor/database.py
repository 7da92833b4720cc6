"""What is wrong with the database, and with what runs on it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from approvals.management.doctor.findings import Finding, good, odd, wrong
from approvals.management.preparing import describe_trouble, reach_database
from flowruns.pubsub.listening import connection_params
from flowruns.services.upkeep.rounds import find_still_loops

_CLOSE_SECONDS = 2.0
_LISTEN_SECONDS = 3.0
_OLDEST_POSTGRESQL = 14
_NEVER = datetime.min.replace(tzinfo=UTC)


def check_database() -> Iterator[Finding]:
    """Look at the database; where it cannot be reached there is nothing more to find."""
    try:
        reach_database()
    except DatabaseError as error:
        yield wrong("database", describe_trouble(error))
        return
    yield from _check_postgresql() if connection.vendor == "postgresql" else _check_sqlite()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield wrong("database", "Its tables are of an older release. Run `migrate`, or `serve`.")
        return
    yield good("database", f"Its tables are those of this release ({connection.vendor}).")
    yield from _check_people()
    yield from _check_loops()


def _check_sqlite() -> Iterator[Finding]:
    journal = _read("PRAGMA journal_mode")
    if journal != "wal":
        yield wrong(
            "database",
            f"SQLite's journal is {journal!r} and cannot be a write-ahead log, as on a network"
            " drive. Put the file on a disk of this machine.",
        )
    if settings.PUBLIC_URL:
        yield odd(
            "database", "It is SQLite: one machine, one process of `serve`. Teams use PostgreSQL."
        )


def _check_postgresql() -> Iterator[Finding]:
    version = int(str(_read("SHOW server_version_num"))) // 10_000
    if version < _OLDEST_POSTGRESQL:
        yield odd("database", f"PostgreSQL {version} is older than what is tried here (14 to 18).")
    most = int(str(_read("SHOW max_connections")))
    # One more listens, and one looks for probes
    needed = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"] + 2
    yield good("database", f"A process takes up to {needed} of {most} connections.")
    if needed * 2 > most:
        yield odd("database", f"Two processes would not fit: lower DATABASE_POOL_SIZE ({needed}).")
    apart = abs((_read("SELECT clock_timestamp()") - datetime.now(UTC)).total_seconds())
    if apart > _CLOSE_SECONDS:
        yield wrong("clock", f"The database's clock and this machine's are {apart:.0f} s apart.")
    yield from _check_listening()


def _check_listening() -> Iterator[Finding]:
    """Whether one session hears what another one tells, which some poolers break."""
    channel, params = f"doctor_{uuid4().hex}", connection_params()
    with (
        psycopg.connect(**params, autocommit=True) as listener,
        psycopg.connect(**params, autocommit=True) as speaker,
    ):
        listener.execute(f"LISTEN {channel}".encode())
        speaker.execute("SELECT pg_notify(%s, 'x')", [channel])
        heard = list(listener.notifies(timeout=_LISTEN_SECONDS, stop_after=1))
    if heard:
        yield good("database", "Sessions hear of each other (LISTEN/NOTIFY).")
    else:
        yield wrong(
            "database",
            "Sessions do not hear of each other, as behind a pooler that shares sessions: flows"
            " would be woken late. Connect to PostgreSQL directly.",
        )


def _check_people() -> Iterator[Finding]:
    if not User.objects.filter(is_active=True, is_superuser=True).exists():
        yield odd("people", "There is no administrator. Create one with `createsuperuser`.")


def _check_loops() -> Iterator[Finding]:
    now = datetime.now(UTC)
    still = find_still_loops(settings.BACKGROUND_LOOPS, watched_since=_NEVER)
    ran = [each for each in still if each.since > _NEVER]
    if len(ran) < len(still):
        yield odd("loops", f"{len(still) - len(ran)} background loops have never run.")
    for each in ran:
        minutes = (now - each.since).total_seconds() / 60
        yield wrong("loops", f"{each} ({minutes:,.0f} minutes). Is `work` running?")
    if not still:
        yield good("loops", "All background loops do their rounds.")


def _read(question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]
