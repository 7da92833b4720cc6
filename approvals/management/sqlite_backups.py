"""A SQLite database copied while it is used, and put back while nobody uses it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from django.core.management.base import CommandError

from approvals.management.known_migrations import refuse_unknown

_PATIENCE_SECONDS = 5.0
_BESIDE = ("-wal", "-shm", "-journal")


def copy_database(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, whole or not at all; others may write meanwhile."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        with closing(_open(source)) as whole, closing(sqlite3.connect(draft)) as copy:
            whole.backup(copy)
            _check(copy, source)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        _sync(draft)
        draft.replace(target)
    except sqlite3.Error as error:
        raise CommandError(f"{source} cannot be copied: {error}.") from None
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)


def put_back(source: Path, target: Path) -> Path | None:
    """Put a copy in a database's place, and return where the former one is, if there was one."""
    with _refusing_unreadable(source), closing(_open(source)) as copy:
        _check(copy, source)
        refuse_unknown(copy.execute("SELECT app, name FROM django_migrations").fetchall())
    _refuse_use(target)
    former = _set_aside(target)
    copy_database(source, target)
    return former


@contextmanager
def _refusing_unreadable(source: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise CommandError(f"{source} is not a backup of Approvals: {error}.") from None


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=5)


def _check(database: sqlite3.Connection, name: Path) -> None:
    [[found]] = database.execute("PRAGMA quick_check(1)").fetchall()
    if found != "ok":
        raise CommandError(f"{name} is damaged: {found}.")


def _refuse_use(target: Path) -> None:
    """Raise `CommandError` while another process has the database open.

    To leave the write-ahead log takes a lock that whoever has the database open keeps; it also
    moves what the log holds into the file, so that the former database is whole without it.
    """
    if not target.exists():
        return
    try:
        with closing(_open(target)) as database:
            database.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise CommandError(
                f"{target} is in use. Stop `serve` and `work`, and try again."
            ) from None
    except sqlite3.DatabaseError:
        return  # it is damaged, which is why it is to be replaced


def _set_aside(target: Path) -> Path | None:
    """Rename a database with what lies beside it: a log left there would mix into the next one."""
    aside = target.with_name(f"{target.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    for suffix in ("", *_BESIDE):
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside if aside.exists() else None


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
