"""Programs in processes of their own that have loaded their code already: forks of one that has.

To load it takes our server a second and a half, and longer than most tests use it. That real
commands start is tried where the start is what is tested, e.g. in `test_serve.py`.
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
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.environments import clean_environment

_ROOT = Path(__file__).resolve().parents[1]


@dataclass
class ForkedProcess:
    """A process that another one has forked, with the face of `subprocess.Popen`."""

    pid: int
    _told: IO[bytes]
    returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            select.select([self._told], [], [], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

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
        stdout: IO[Any],
        stderr: IO[Any],
        folder: Path = _ROOT,
        in_new_session: bool = False,
    ) -> ForkedProcess:
        """Begin the program with these arguments in a process of its own that reads nothing."""
        message = {
            "arguments": list(arguments),
            "variables": dict(variables),
            "folder": str(folder),
            "in_new_session": in_new_session,
        }
        reading, writing = os.pipe()
        with Path(os.devnull).open() as nothing, os.fdopen(writing, "wb") as told:
            files = [stream.fileno() for stream in (nothing, stdout, stderr, told)]
            socket.send_fds(self._asked, [json.dumps(message).encode()], files)
        answers = os.fdopen(reading, "rb", buffering=0)
        return ForkedProcess(int(answers.readline()), answers)

    def _end(self) -> None:
        self._asked.close()
        self._process.wait()


@cache
def _commands() -> ForkServer:
    command = [sys.executable, "-m", "tests.forked_command"]
    return ForkServer(command, clean_environment() | {"PYTHONPATH": str(_ROOT)})


def fork_command(
    arguments: Sequence[str], variables: Mapping[str, str], *, stdout: IO[Any], stderr: IO[Any]
) -> ForkedProcess:
    """Begin a management command of ours, as `manage.py` does, in a fork that has it loaded."""
    return _commands().start(arguments, variables=variables, stdout=stdout, stderr=stderr)
