"""Programs in processes of their own that have loaded their code already: forks of one that has.

To load it takes our server a second and a half and Prefect's five, longer than most tests use it.
That real commands start is tried where the start is what is tested, e.g. in `test_serve.py`.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests.environments import clean_environment

_ROOT = Path(__file__).resolve().parents[1]
# What flows and their clients load; Prefect's server, besides, which its command line does not
_LOADED_BY_FLOWS = ("flowruns", "flowruns.sdk.reporting.heartbeat", "httpx")
_LOADED_BY_PREFECT = (
    *("prefect.main", "prefect.cli", "prefect.cli.server", "prefect.server.api.server"),
    *("uvicorn.protocols.http.auto", "uvicorn.loops.auto", "uvicorn.lifespan.on"),
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

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A process that has loaded what programs need; it ends with this one."""

    def __init__(self, command: Sequence[str | Path], variables: Mapping[str, str]) -> None:
        self._asked, asks = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with asks:
            self._process = subprocess.Popen(
                [*command, str(asks.fileno())],
                cwd=_ROOT,
                env=variables,
                stdin=subprocess.DEVNULL,
                pass_fds=[asks.fileno()],
            )
        atexit.register(self._end)

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
        }
        reading, writing = os.pipe()
        with TemporaryFile("w+") as keyboard, os.fdopen(writing, "wb") as told:
            keyboard.write(typed)
            keyboard.seek(0)
            files = [stream.fileno() for stream in (keyboard, *streams, told)]
            socket.send_fds(self._asked, [json.dumps(message).encode()], files)
        answers = os.fdopen(reading, "rb", buffering=0)
        return ForkedProcess(int(answers.readline()), answers, () if output else streams)

    def _end(self) -> None:
        self._asked.close()
        self._process.wait()


def _temporary_file() -> IO[str]:
    return TemporaryFile("w+")


def _read_all(stream: IO[str]) -> str:
    """Return what was written to it, and close it."""
    with stream:
        stream.seek(0)
        return stream.read()


@cache
def _commands() -> ForkServer:
    command = [sys.executable, "-m", "tests.forked_command"]
    return ForkServer(command, clean_environment() | {"PYTHONPATH": str(_ROOT)})


@cache
def _pythons(python: str) -> ForkServer:
    loaded = _LOADED_BY_FLOWS if python == sys.executable else _LOADED_BY_PREFECT
    command = [python, "-m", "tests.forked_python", *loaded]
    return ForkServer(command, clean_environment() | {"PYTHONPATH": str(_ROOT)})


def fork_command(
    arguments: Sequence[str], variables: Mapping[str, str], *, stdout: IO[Any], stderr: IO[Any]
) -> ForkedProcess:
    """Begin a management command of ours, as `manage.py` does, in a fork that has it loaded."""
    return _commands().start(arguments, variables=variables, output=(stdout, stderr))


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
