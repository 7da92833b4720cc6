"""What stands for Python in tests' forks does as Python does."""

import os
import signal
import subprocess
import sys

import pytest

from tests.forking import ForkServer, fork_python

pytestmark = pytest.mark.slow

_BEGIN = """
import multiprocessing, os, subprocess, sys
from subprocess import PIPE
assert sys.executable != {python!r}
"""


def run(code: str) -> str:
    """Return what a program prints that begins Pythons by its `sys.executable`."""
    begun = _BEGIN.format(python=sys.executable) + code
    done = fork_python([sys.executable, "-c", begun], dict(os.environ))
    out, err = done.communicate(timeout=60)
    assert err == ""
    return out


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("sys.exit(7)", 7),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM),
    ],
)
def test_it_ends_as_its_program_does(code: str, ends: int) -> None:
    command = f"[sys.executable, '-c', 'import os, sys; {code}']"
    assert run(f"print(subprocess.run({command}).returncode)") == f"{int(ends)}\n"


@pytest.mark.parametrize(
    "code",
    [
        "print('printed')",
        "sys.exit()",
        "sys.exit(True)",
        "sys.exit(300)",
        "sys.exit('why it ends')",
        "raise ValueError('unexpected')",
        "raise KeyboardInterrupt",
        "print('printed'); sys.stdout.close()",
        "atexit.register(print, 'exit'); threading.Timer(0.1, print, ['thread']).start(); print(1)",
    ],
)
def test_a_fork_ends_as_python_does(code: str) -> None:
    command = [sys.executable, "-c", f"import atexit, sys, threading; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    fork = fork_python(command, dict(os.environ))
    out, err = fork.communicate(timeout=60)
    assert (fork.returncode, out) == (done.returncode, done.stdout)
    assert err.splitlines()[-1:] == done.stderr.splitlines()[-1:]


def test_its_program_has_the_files_that_are_handed_on() -> None:
    printed = run(
        "reading, writing = os.pipe()\n"
        "code = f'import os; os.write({writing}, input().encode())'\n"
        "command = [sys.executable, '-c', code]\n"
        "subprocess.run(command, pass_fds=[writing], input='typed', text=True)\n"
        "print(os.read(reading, 10))"
    )
    assert printed == "b'typed'\n"


def test_a_signal_reaches_its_program() -> None:
    printed = run(
        "code = '''\n"
        "import time\n"
        "try:\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
        "'''\n"
        "begun = subprocess.Popen([sys.executable, '-c', code], stdout=PIPE, text=True)\n"
        "begun.stdout.readline()\n"
        "begun.send_signal(2)\n"
        "print(begun.stdout.read(), begun.wait())"
    )
    assert printed == "interrupted\n 0\n"


def test_its_program_is_killed_with_it() -> None:
    printed = run(
        "code = 'import time; print(1, flush=True); time.sleep(1_000)'\n"
        "begun = subprocess.Popen([sys.executable, '-c', code], stdout=PIPE, text=True)\n"
        "begun.stdout.readline()\n"
        "begun.kill()\n"
        "print('all it printed:', begun.stdout.read())"  # which ends with the program
    )
    assert printed == "all it printed: \n"


def test_processes_of_multiprocessing_are_such_programs() -> None:
    printed = run(
        "context = multiprocessing.get_context('spawn')\n"
        "queue = context.Queue()\n"
        "process = context.Process(target=queue.put, args=(5,))\n"
        "process.start()\n"
        "print(queue.get())\n"
        "process.join()\n"
        "print(process.exitcode)"
    )
    assert printed == "5\n0\n"


def test_a_process_that_cannot_load_what_it_is_to_fork_is_named() -> None:
    with pytest.raises(AssertionError, match=r"It ends while it loads: .*'no_such_module'"):
        ForkServer("tests.forked_python", "no_such_module")
