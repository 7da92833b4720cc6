"""A Python that has loaded what programs need, and is forked for each of them.

It needs nothing but the standard library, so that another environment's Python runs it, too. Who
asks is `tests.forking`, from any process of a test run: each message is a JSON object with the
program's arguments, its folder and variables, and four files come with it: its three streams, and
what its number and later its exit code are written to.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any

# More than the variables of a process
_LONGEST_MESSAGE = 1 << 17
READY = b"ready"


def fork_for_each() -> list[str]:
    """Return in a new process for each program that is asked for, with its arguments; never here.

    The socket that listens is the last argument of this process, which ends when the last of those
    who ask has left.
    """
    listens = socket.socket(fileno=int(sys.argv.pop()))
    gc.freeze()  # or the first collection of a fork would copy all that is loaded
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for who asks
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    asking = [_welcome(listens)]
    while True:
        for ready in select.select([listens, *asking], [], [])[0]:
            if ready is listens:
                asking.append(_welcome(listens))
                continue
            try:
                message, files, _, _ = socket.recv_fds(ready, _LONGEST_MESSAGE, 4)
            except ConnectionError:  # who asked was killed
                message, files = b"", []
            if message and os.fork() == 0:
                for each in (listens, *asking):
                    each.close()
                *streams, told = files
                _watch_child(told, streams)
                return _begin(json.loads(message), streams)
            for file in files:
                os.close(file)
            if not message:
                ready.close()
                asking.remove(ready)
        if not asking:
            sys.exit()


def _welcome(listens: socket.socket) -> socket.socket:
    """Wait for somebody who asks."""
    connection, _ = listens.accept()
    connection.send(READY)
    return connection


def _watch_child(told: int, streams: list[int]) -> None:
    """Fork, and return in the child alone; tell its number, and its exit code when it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(told)
        return
    for stream in streams:
        os.close(stream)
    os.write(told, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _begin(program: dict[str, Any], streams: list[int]) -> list[str]:
    """Make this process the program's, and return the arguments."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if program["in_new_session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(program["folder"])
    os.environ.clear()
    os.environ.update(program["variables"])
    time.tzset()
    arguments: list[str] = program["arguments"]
    return arguments
