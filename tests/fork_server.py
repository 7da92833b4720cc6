"""A Python that has loaded what programs need, and is forked for each of them.

It needs nothing but the standard library, so that another environment's Python runs it, too. Who
asks is `tests.forking`, from any process of a test run, or a program itself that begins another
Python (`tests.forked_executable`): each message is a JSON object with the program's arguments, its
folder and variables, and files come with it: its three streams, what its number and later its exit
code are written to, and those that it is to have besides, whose numbers are told.
"""

import atexit
import gc
import json
import os
import select
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.forked_executable import end_like

# More than the variables of a process, and than the files that one hands to another
_LONGEST_MESSAGE = 1 << 17
_MOST_FILES = 64
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
                message, files, _, _ = socket.recv_fds(ready, _LONGEST_MESSAGE, _MOST_FILES)
            except ConnectionError:  # who asked was killed
                message, files = b"", []
            if message and os.fork() == 0:
                for each in (listens, *asking):
                    each.close()
                program = json.loads(message)
                told = files.pop(3)
                _watch_child(told, files, ends_alone=program["ends_alone"])
                return _begin(program, files)
            for file in files:
                os.close(file)
            if not message:
                ready.close()
                asking.remove(ready)
        if not asking:
            sys.exit()


def write_executable(path: Path, *, python: str, address: str) -> None:
    """Make a program at this path that is a fork of the process that is asked at this address."""
    root = str(Path(__file__).resolve().parents[1])
    code = (
        f"import sys; sys.path.insert(0, {root!r}); "
        f"from tests.forked_executable import main; main({python!r}, {address!r})"
    )
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(python)} -ISc {shlex.quote(code)} "$@"\n')
    path.chmod(0o700)


def run_to_its_end(program: Callable[[], None]) -> None:
    """Run it as Python runs a program, and end as that ends.

    But nothing is taken apart that is loaded, which takes longer than most programs: files that it
    has left open lose what was not written yet.
    """
    try:
        code = _run(program)
        vars(threading)["_shutdown"]()  # as Python does
        atexit._run_exitfuncs()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it, or it is closed
                stream.flush()
    end_like(code)


def _run(program: Callable[[], None]) -> int:
    """Return the exit code, or the negative number of the signal that it ends by."""
    try:
        program()
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return (ending.code or 0) & 0xFF
        print(ending.code, file=sys.stderr)
        return 1
    except BaseException as error:  # noqa: BLE001 -- whatever ends a program is told
        sys.excepthook(type(error), error, error.__traceback__)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _welcome(listens: socket.socket) -> socket.socket:
    """Wait for somebody who asks."""
    connection, _ = listens.accept()
    connection.send(READY)
    return connection


def _watch_child(told: int, files: list[int], *, ends_alone: bool) -> None:
    """Fork, and return in the child alone; tell its number, and its exit code when it ends.

    Unless it `ends_alone`, it ends with whoever hears of that, too.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(told)
        return
    for file in files:
        os.close(file)
    os.write(told, f"{pid}\n".encode())
    if not ends_alone:
        _kill_when_nobody_hears(told, pid)
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _kill_when_nobody_hears(told: int, pid: int) -> None:
    """Wait until the process ends, by itself or because nobody is left who reads what is told."""
    ended = os.pidfd_open(pid)
    events = select.poll()
    events.register(ended, select.POLLIN)
    events.register(told, 0)  # and so for the end of its reader alone
    if ended not in dict(events.poll()):
        os.kill(pid, signal.SIGKILL)


def _begin(program: dict[str, Any], files: list[int]) -> list[str]:
    """Make this process the program's, and return the arguments."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if program["in_new_session"]:
        os.setsid()
    _place(files, [0, 1, 2, *program["files"]])
    os.chdir(program["folder"])
    os.environ.clear()
    os.environ.update(program["variables"])
    time.tzset()
    arguments: list[str] = program["arguments"]
    return arguments


def _place(files: list[int], numbers: list[int]) -> None:
    """Give the files these numbers, some of which others of them may have."""
    above = max([*files, *numbers]) + 1
    for file, number in zip(files, numbers, strict=True):
        os.dup2(file, above + number)
        os.close(file)
    for number in numbers:
        os.dup2(above + number, number)
        os.close(above + number)
