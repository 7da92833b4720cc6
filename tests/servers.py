"""Real servers in processes of their own."""

import logging
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

from tests.environments import PREFECT_PYTHON, clean_environment
from tests.forking import ForkedProcess, fork_command, fork_python
from tests.logs import follow_log, show_log
from tests.migrated import copy_our_database, copy_prefects_database

# Whoever waits asks many times, which would hide the cause in the report of a failure.
logging.getLogger("httpx").setLevel(logging.WARNING)
ROOT = Path(__file__).resolve().parents[1]
# Who ends is noticed at once; who is only slow, on a machine with much to do, is waited for.
_START_SECONDS = 240
_STOP_SECONDS = 120
# Linux gives other ports to connections, so that a server finds its own free when it comes back.
_PORTS = range(10_000, 32_000)
# A first page on a busy machine takes longer than clients wait unless they are told to.
CLIENT_SECONDS = 60
# Who ends so soon, also on a busy machine, waits for no held request, which may last 60 seconds.
PROMPT_SECONDS = 40
# Commands that have no option to leave the checks out
_MAKE_NO_CHECKS = {"backup", "doctor", "restore", "shell"}

type Process = subprocess.Popen[bytes] | ForkedProcess


def free_port() -> int:
    """Return a port that nobody listens on, so that a server can come back to it.

    Drawn, so that test processes beside each other hardly ever draw the same.
    """
    while True:
        port = random.choice(_PORTS)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def _flow_environment(home: Path, *, has_certificates: bool) -> dict[str, str]:
    """Return the environment of flows that keep their results in a home of their own."""
    own = {"PYTHONPATH": str(ROOT), "HOME": str(home)}
    return clean_environment(has_certificates=has_certificates) | own


def wait_until_ready(url: str, process: Process, log: Path) -> None:
    """Wait until `url` answers 200; fail with the process's output if it ends or takes long.

    Without certificates, as in all clients of servers here: to load them takes longer than to ask.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"The server ended:\n{log.read_text()}"
        try:
            # A long time, because the first answer takes longest
            if httpx.get(url, timeout=60, verify=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"The server is not ready after {_START_SECONDS} s:\n{log.read_text()}")


@dataclass(kw_only=True)
class ApprovalsServer:
    """A `manage.py serve` process that can be stopped, killed and started again."""

    home: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    # Whether real commands start, not forks of what has loaded their code
    is_command: bool = False
    _process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api"

    @property
    def api_key(self) -> str:
        """The local key, which may do everything that the API offers."""
        return (self.home / "api-key").read_text().strip()

    @property
    def flow_environment(self) -> dict[str, str]:
        """The environment of a process whose flows run on this server."""
        ours = {"FLOWRUNS_API_URL": self.api_url, "FLOWRUNS_API_KEY": self.api_key}
        home = self.home.with_name("flows")
        return _flow_environment(home, has_certificates=self.is_command) | ours

    @property
    def full_environment(self) -> dict[str, str]:
        """The environment of the server itself, and of other commands beside it."""
        return clean_environment() | {"APPROVALS_HOME": str(self.home)} | dict(self.environment)

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, again on the same port and home, and wait until it answers."""
        follow_log(self._log_path, "Approvals")
        if not self.home.exists() and "DATABASE_URL" not in self.environment:
            self.home.mkdir(mode=0o700, parents=True)
            copy_our_database(self.home / "approvals.sqlite3")
        with self._log_path.open("ab") as log:
            port = str(self.port)
            self._process = self.begin("serve", "--port", port, *self.options, log=log)
        self._wait_until_ready()

    def restart_at_once(self) -> float:
        """Kill it like a power cut, and start it again; return the seconds it was away.

        Its code is loaded, or the same clients would have given up on a busy machine.
        """
        assert not self.is_command
        killed = time.monotonic()
        self.kill()
        self.start()
        return time.monotonic() - killed

    def begin(self, *command: str, log: IO[Any]) -> Process:
        """Begin a management command beside it."""
        return self._begin(command, self.full_environment, stdout=log, stderr=log)

    def _begin(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        *,
        stdout: IO[Any],
        stderr: IO[Any],
    ) -> Process:
        if not self.is_command:
            return fork_command(command, variables, output=(stdout, stderr))
        return subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        try:
            wait_until_ready(f"{self.api_url}/ready", self._process, self._log_path)
        except BaseException:
            self.kill()
            raise

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end, and return the seconds that it took."""
        assert self._process is not None
        asked = time.monotonic()
        self._process.send_signal(number)
        assert self._process.wait(_STOP_SECONDS) == 0, self.log
        return time.monotonic() - asked

    def kill(self) -> None:
        """End it like a power cut (SIGKILL), if it has been started."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Kill it for the time of the block, and have it back after that, come what may."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def manage(self, name: str, *arguments: str, **environment: str) -> str:
        """Run another management command beside it, and return what it prints.

        Without the checks that come first, which the server has made and which take longer.
        """
        unchecked = () if name in _MAKE_NO_CHECKS else ("--skip-checks",)
        command = [name, *unchecked, *arguments]
        variables = self.full_environment | environment
        with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as complained:
            process = self._begin(command, variables, stdout=printed, stderr=complained)
            code = process.wait()
            for stream in (printed, complained):
                stream.seek(0)
            show_log(name, complained.read())
            if code:
                raise subprocess.CalledProcessError(code, command, printed.read())
            return printed.read()

    def count_connections(self) -> int:
        """Count the connections that clients have to it."""
        port, established = f":{self.port:04X}", "01"
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        ends = [line.split()[1:4] for line in rows]
        return sum(own.endswith(port) and state == established for own, _, state in ends)

    def create_user(self, name: str, *, password: str) -> None:
        """Create somebody who may log in, also to the admin."""
        command = ["createsuperuser", "--noinput", "--username", name, "--email", "a@example.com"]
        self.manage(*command, DJANGO_SUPERUSER_PASSWORD=password)

    @property
    def _log_path(self) -> Path:
        return self.home.with_name(f"{self.home.name}.{self.port}.log")


@contextmanager
def approvals_server(
    *options: str, home: Path | None = None, is_command: bool = False, **environment: str
) -> Iterator[ApprovalsServer]:
    """Run `manage.py serve` with these options, in a home of its own unless one is given.

    `is_command` says that the start is what is tested; `environment` adds variables, e.g.
    DATABASE_URL.
    """
    with tempfile.TemporaryDirectory(prefix="approvals-server-") as folder:
        server = ApprovalsServer(
            home=home or Path(folder) / "home",
            options=options,
            environment=environment,
            is_command=is_command,
        )
        server.start()
        try:
            yield server
        finally:
            if server.is_running:
                server.stop()


_RUN_PREFECT = ("-m", "prefect")


def prefect_environment(home: Path, *, has_certificates: bool = False) -> dict[str, str]:
    """Return the environment of a Prefect process that keeps everything in `home`."""
    assert PREFECT_PYTHON.exists(), (
        "Prefect's environment is missing; make it with:"
        " UV_PROJECT_ENVIRONMENT=.venv-prefect uv sync --only-group prefect"
    )
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_ENABLED": "false"}
    own = {"PREFECT_HOME": str(home), "DO_NOT_TRACK": "1"}
    return clean_environment(has_certificates=has_certificates) | own | quiet


def _migrate_prefects(path: Path) -> None:
    """Make the SQLite database of Prefect's server at this path, by Prefect's own command."""
    with tempfile.TemporaryDirectory(prefix="prefect-home-") as home:
        command = [str(PREFECT_PYTHON), *_RUN_PREFECT, "server", "database", "upgrade", "-y"]
        done = fork_python(command, prefect_environment(Path(home)))
        assert done.wait() == 0, done.communicate()
        shutil.move(Path(home) / "prefect.db", path)


@dataclass(kw_only=True)
class PrefectServer:
    """An unmodified Prefect server that can be killed and started again.

    It is on SQLite, unless there is the URL of an empty PostgreSQL database.
    """

    home: Path
    python: Path = PREFECT_PYTHON
    database_url: str | None = None
    # Whether a real command starts, not a fork of what has loaded its code
    is_command: bool = False
    port: int = field(default_factory=free_port)
    _process: Process | None = None

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def flow_environment(self) -> dict[str, str]:
        """The environment of a process whose flows, ours, run on this server."""
        ours = {"FLOWRUNS_API_URL": self.api_url, "APPROVALS_HOME": str(self.home / "nobody")}
        home = self.home / "flows"
        return _flow_environment(home, has_certificates=self.is_command) | ours

    def start(self) -> None:
        """Start it, again on the same port and home, and wait until it answers."""
        log_path = follow_log(self.home / "server.log", "Prefect's server")
        options = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        with log_path.open("ab") as log:
            self._process = self._begin(options, log)
        wait_until_ready(f"{self.api_url}/health", self._process, log_path)

    def _begin(self, options: list[str], log: IO[bytes]) -> Process:
        command: list[str | Path] = [self.python, *_RUN_PREFECT, *options]
        own = prefect_environment(self.home, has_certificates=self.is_command)
        variables = own | self._prepare_database()
        if not self.is_command:
            return fork_python(command, variables, output=log, in_new_session=True)
        return subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _prepare_database(self) -> dict[str, str]:
        """Return the settings of its database; copy a migrated one where that is a file."""
        if self.database_url:
            url = self.database_url.replace("postgresql://", "postgresql+asyncpg://")
            return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        if self.python == PREFECT_PYTHON and not (self.home / "prefect.db").exists():
            copy_prefects_database(self.home / "prefect.db", migrate=_migrate_prefects)
        return {}

    def kill(self) -> None:
        """End it, and what it started, like a power cut (SIGKILL), if it has been started."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_STOP_SECONDS)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Kill it for the time of the block, and have it back after that, come what may."""
        self.kill()
        try:
            yield
        finally:
            self.start()


@contextmanager
def prefect_server(
    python: Path = PREFECT_PYTHON, *, database_url: str | None = None, is_command: bool = False
) -> Iterator[PrefectServer]:
    """Run a Prefect server, the newest or another environment's, in a home of its own.

    `is_command` says that the start is what is tested.
    """
    with tempfile.TemporaryDirectory(prefix="prefect-server-") as folder:
        server = PrefectServer(
            home=Path(folder), python=python, database_url=database_url, is_command=is_command
        )
        try:
            server.start()
            yield server
        finally:
            server.kill()
