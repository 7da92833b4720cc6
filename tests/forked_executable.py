"""A program that is a fork: whoever begins it gets one more of the process that is asked.

It is the `sys.executable` of forks: a program that begins Pythons, as all do that serve flows, has
loaded already what these would load. It stands for the fork: it hands on its streams, its files and
the signals that it gets, ends as the fork ends, and takes it along when it is killed. A Python
without packages runs it, and it loads little, because it is begun hundreds of times.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress

_HANDED_ON = {
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM),
    *(signal.SIGUSR1, signal.SIGUSR2),
}
_STREAMS = (0, 1, 2)


def main(python: str, address: str) -> None:
    """Be what `python` would be with the arguments of this process, in a fork that is asked for."""
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in {"-c", "-m"}):
        os.execv(python, [python, *arguments])
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
    told = _begin(arguments, address)
    pid = _read_number(told)
    for each in _HANDED_ON:
        signal.signal(each, lambda number, _: _send(pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
    end_like(_read_number(told))


def _begin(arguments: list[str], address: str) -> int:
    """Begin the fork with all files of this process, and return where its end will be told."""
    others = _list_other_files()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(address)
    if not connection.recv(1):
        sys.exit(f"Nobody forks at {address!r}")
    message = {
        "arguments": arguments,
        "variables": dict(os.environ),
        "folder": f"/proc/{os.getpid()}/cwd",
        "in_new_session": False,
        "ends_alone": False,
        "files": others,
    }
    reading, writing = os.pipe()
    files = [*_STREAMS, writing, *others]
    socket.send_fds(connection, [json.dumps(message).encode()], files)
    connection.close()
    for file in files:
        os.close(file)
    return reading


def _list_other_files() -> list[int]:
    """Return the numbers of what this process was given beside its streams."""
    with os.scandir("/proc/self/fd") as listed:
        found = [int(each.name) for each in listed]
    given = []
    for file in found:
        with suppress(OSError):  # the folder, which is closed by now
            if file not in _STREAMS and os.get_inheritable(file):
                given.append(file)
    return given


def _read_number(told: int) -> int:
    """Return the number of the next line."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(told, 1)
    return int(line)


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def end_like(code: int) -> None:
    """End this process with the exit code, or by the signal of the negative number."""
    if code < 0:
        with suppress(OSError):  # nobody can handle SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
