"""Programs in processes of their own that have loaded their code already: forks of one that has.

To load it takes our server a second and a half and Prefect's five, longer than most tests use it.
That real commands start is tried where the start is what is tested, e.g. in `test_serve.py`.
"""

import atexit
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests.environments import clean_environment
from tests.fork_server import READY, write_executable

_ROOT = Path(__file__).resolve().parents[1]
# One that ends while it loads would else be begun for ever
_MOST_BEGUN = 3
# Alike in the workers of one run of the tests
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{time.time_ns()}"
# What our flows load, and what Prefect's and its command line do, also when they first need it; its
# server is named besides
_LOADED_BY_FLOWS = (
    *("flowruns", "flowruns.artifacts", "flowruns.blocks", "flowruns.exceptions"),
    *("flowruns.variables", "flowruns.sdk.runs.engine", "flowruns.sdk.reporting.heartbeat"),
    *("flowruns.sdk.inputs.pausing", "flowruns.sdk.serving.serving", "flowruns.sdk.serving.child"),
    *("httpx", "httpcore", "anyio._backends._asyncio", "encodings.idna"),
    "pydantic.validate_call_decorator",
)
_LOADED_BY_PREFECT = (
    *("prefect.main", "prefect.cli", "prefect.cli.server", "prefect.cli.deployment"),
    *("prefect.cli.flow_run", "prefect.cli.flow_runs_watching", "prefect.cli.variable"),
    *("prefect.engine", "prefect.runner", "prefect.deployments.runner", "prefect.task_engine"),
    *("prefect.concurrency.services", "prefect.utilities.visualization", "rich._emoji_codes"),
    *("anyio._backends._asyncio", "encodings.idna"),
    *("prefect.server.api.server", "prefect.server.database.query_components"),
    *("aiosqlite", "alembic.command", "mako.template", "websockets.server", "uvicorn.loops.auto"),
    *("uvicorn.loops.asyncio", "uvicorn.lifespan.on", "uvicorn.protocols.http.auto"),
    "uvicorn.protocols.websockets.auto",
)


@dataclass
class ForkedProcess:
    """A process that another one has forked, with the face of `subprocess.Popen`."""

    pid: int
    _told: IO[bytes]
    _kept: Sequence[IO[str]] = ()
    returncode: int | None = None
    printed: list[str] = field(default_factory=list)

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
            self.printed = [_read_all(stream) for stream in self._kept]
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            select.select([self._told], [], [], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end, and return what it wrote to standard output, and to standard error."""
        self.wait(timeout)
        out, err = self.printed
        return out, err

    def read_output(self, timeout: float | None = None) -> str:
        """Wait for its end, and return all that it wrote."""
        return "".join(self.communicate(timeout))

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A process that has loaded what programs need, for all processes of a test run.

    Whoever needs it first begins it, and it ends with the last one that may ask.
    """

    def __init__(self, module: str, *loaded: str, python: str = sys.executable) -> None:
        self._command = [python, "-m", module, *loaded]
        told = hashlib.sha256(" ".join(self._command).encode()).hexdigest()[:16]
        # Of Linux's own kind, which leaves no file behind
        self.address = f"\0approvals-tests-{_RUN}-{told}"
        begun = 0
        while (connected := self._connect()) is None:
            assert begun < _MOST_BEGUN, f"It ends while it loads: {self._command}"
            begun += self._begin()
        self._asked = connected
        atexit.register(connected.close)

    def _connect(self) -> socket.socket | None:
        """Return a connection to the process, which has loaded all; None where nobody listens."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with suppress(ConnectionError):
            connection.connect(self.address)
            if connection.recv(len(READY)) == READY:
                return connection
        connection.close()
        return None

    def _begin(self) -> bool:
        """Begin the process, unless another one has begun to listen meanwhile; say whether."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listens:
            try:
                listens.bind(self.address)
            except OSError:
                return False
            listens.listen()
            os.set_inheritable(listens.fileno(), True)
            os.posix_spawn(
                self._command[0],
                [*self._command, str(listens.fileno())],
                clean_environment() | {"PYTHONPATH": str(_ROOT)},
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
            )
            return True

    def start(
        self,
        arguments: Sequence[str],
        *,
        variables: Mapping[str, str],
        output: tuple[IO[Any], IO[Any]] | None,
        typed: str = "",
        folder: Path = _ROOT,
        in_new_session: bool = False,
    ) -> ForkedProcess:
        """Begin the program with these arguments in a process of its own that reads what is typed.

        What it prints, and what it complains of, is kept unless there are two files for it.
        """
        streams = output or (_temporary_file(), _temporary_file())
        message = {
            "arguments": list(arguments),
            "variables": dict(variables),
            "folder": str(folder),
            "in_new_session": in_new_session,
            "ends_alone": True,
            "files": [],
        }
        reading, writing = os.pipe()
        with TemporaryFile("w+") as keyboard, os.fdopen(writing, "wb") as told:
            keyboard.write(typed)
            keyboard.seek(0)
            files = [stream.fileno() for stream in (keyboard, *streams, told)]
            socket.send_fds(self._asked, [json.dumps(message).encode()], files)
        answers = os.fdopen(reading, "rb", buffering=0)
        return ForkedProcess(int(answers.readline()), answers, () if output else streams)


def _temporary_file() -> IO[str]:
    return TemporaryFile("w+")


def _read_all(stream: IO[str]) -> str:
    """Return what was written to it, and close it."""
    with stream:
        stream.seek(0)
        return stream.read()


@cache
def _commands() -> ForkServer:
    return ForkServer("tests.forked_command")


@cache
def _pythons(python: str) -> ForkServer:
    loaded = _LOADED_BY_FLOWS if python == sys.executable else _LOADED_BY_PREFECT
    return ForkServer("tests.forked_python", *loaded, python=python)


def write_command(path: Path) -> None:
    """Make our command at this path, which is a fork that has it loaded."""
    write_executable(path, python=sys.executable, address=_commands().address)


def fork_command(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    *,
    output: tuple[IO[Any], IO[Any]] | None = None,
) -> ForkedProcess:
    """Begin a management command of ours, as `manage.py` does, in a fork that has it loaded.

    What it prints, and what it complains of, is kept unless there are two files for it.
    """
    return _commands().start(arguments, variables=variables, output=output)


def fork_python(
    command: Sequence[str | Path],
    variables: Mapping[str, str],
    *,
    output: IO[Any] | None = None,
    typed: str = "",
    folder: Path = _ROOT,
    in_new_session: bool = False,
) -> ForkedProcess:
    """Begin a Python of ours or of Prefect's, with its arguments, in a fork that has flows loaded.

    All that it prints goes to `output`, or is kept for `communicate`.
    """
    python, *arguments = map(str, command)
    return _pythons(python).start(
        arguments,
        variables=variables,
        output=(output, output) if output else None,
        typed=typed,
        folder=folder,
        in_new_session=in_new_session,
    )
