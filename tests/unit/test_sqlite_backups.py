"""A SQLite database is copied while it is used, and never mixed with what lies beside it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from approvals.management.sqlite_backups import copy_database, put_back


def open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    return database


def write(database: sqlite3.Connection, word: str) -> None:
    database.execute("CREATE TABLE IF NOT EXISTS words (word)")
    database.execute("CREATE TABLE IF NOT EXISTS django_migrations (app, name)")
    database.execute("INSERT INTO words VALUES (?)", [word])


def read(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [word for (word,) in database.execute("SELECT word FROM words")]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database in use, whose write-ahead log holds what its file does not."""
    with closing(open_database(tmp_path / "live.sqlite3")) as database:
        write(database, "before")
        yield database


@pytest.fixture
def copy(tmp_path: Path, live: sqlite3.Connection) -> Path:
    path = tmp_path / "copy.sqlite3"
    copy_database(tmp_path / "live.sqlite3", path)
    return path


def leave_a_log(tmp_path: Path, live: sqlite3.Connection) -> None:
    """Leave what a killed server leaves: a log that was not moved into the file."""
    write(live, "after")
    kept = {
        suffix: (tmp_path / f"live.sqlite3{suffix}").read_bytes() for suffix in ("-wal", "-shm")
    }
    whole = (tmp_path / "live.sqlite3").read_bytes()
    live.close()
    (tmp_path / "live.sqlite3").write_bytes(whole)
    for suffix, content in kept.items():
        (tmp_path / f"live.sqlite3{suffix}").write_bytes(content)


def test_a_copy_has_what_only_the_log_holds_and_is_one_private_file(
    tmp_path: Path, live: sqlite3.Connection, copy: Path
) -> None:
    assert read(copy) == ["before"]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*copy*-*"))
    write(live, "after")
    assert read(copy) == ["before"]


def test_a_copy_takes_the_place_of_a_database_that_a_killed_server_left(
    tmp_path: Path, live: sqlite3.Connection, copy: Path
) -> None:
    leave_a_log(tmp_path, live)
    former = put_back(copy, tmp_path / "live.sqlite3")
    assert read(tmp_path / "live.sqlite3") == ["before"]
    assert former is not None
    assert read(former) == ["before", "after"]


def test_a_log_without_its_database_is_set_aside(tmp_path: Path, live: sqlite3.Connection) -> None:
    copy = tmp_path / "copy.sqlite3"
    copy_database(tmp_path / "live.sqlite3", copy)
    leave_a_log(tmp_path, live)
    (tmp_path / "live.sqlite3").unlink()
    assert put_back(copy, tmp_path / "live.sqlite3") is None
    assert read(tmp_path / "live.sqlite3") == ["before"]


def test_a_database_that_is_damaged_can_be_replaced(
    tmp_path: Path, live: sqlite3.Connection, copy: Path
) -> None:
    live.close()
    (tmp_path / "live.sqlite3").write_bytes(b"no database" * 1_000)
    put_back(copy, tmp_path / "live.sqlite3")
    assert read(tmp_path / "live.sqlite3") == ["before"]


def test_a_database_in_use_is_left_alone(
    tmp_path: Path, live: sqlite3.Connection, copy: Path
) -> None:
    write(live, "after")
    with pytest.raises(CommandError, match=r"is in use. Stop `serve` and `work`"):
        put_back(copy, tmp_path / "live.sqlite3")
    assert read(tmp_path / "live.sqlite3") == ["before", "after"]


@pytest.mark.parametrize("content", [b"", b"no database" * 1_000])
def test_what_is_not_a_backup_is_refused(
    tmp_path: Path, live: sqlite3.Connection, content: bytes
) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    live.close()
    with pytest.raises(CommandError, match="is not a backup of Approvals"):
        put_back(other, tmp_path / "live.sqlite3")
    assert read(tmp_path / "live.sqlite3") == ["before"]


def test_the_backup_of_a_newer_release_is_refused(tmp_path: Path, live: sqlite3.Connection) -> None:
    live.execute("INSERT INTO django_migrations VALUES ('flowruns', '9999_of_next_year')")
    copy = tmp_path / "copy.sqlite3"
    copy_database(tmp_path / "live.sqlite3", copy)
    live.close()
    with pytest.raises(CommandError, match=r"newer release.*flowruns\.9999_of_next_year"):
        put_back(copy, tmp_path / "live.sqlite3")


def test_a_copy_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, live: sqlite3.Connection
) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        copy_database(tmp_path / "live.sqlite3", tmp_path / "no" / "copy.sqlite3")
    with pytest.raises(CommandError, match="cannot be copied"):
        copy_database(tmp_path / "not-there.sqlite3", tmp_path / "copy.sqlite3")
    assert [path.name for path in tmp_path.glob("*copy*")] == []
