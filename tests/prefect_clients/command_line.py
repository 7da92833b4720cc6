"""Prefect's command line, loaded once: each line of standard input is a command, run in a fork.

Loaded with it are flows and what runs them, which most commands need. A line is a JSON list: the
path for what the command prints, and its arguments. When it has ended its exit code is printed.
Run by the Python of a Prefect environment.
"""

import json
import os
import sys

import prefect.main  # type: ignore[import-not-found,unused-ignore]  # noqa: F401 -- see above
from prefect.cli import app  # type: ignore[import-not-found,unused-ignore]


def main() -> None:
    for line in sys.stdin:
        log, *arguments = json.loads(line)
        child = os.fork()
        if child == 0:
            return run(log, arguments)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def run(log: str, arguments: list[str]) -> None:
    """Be the command, as if it had just been started; it may end by an exception, as usual."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output, stream.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    sys.argv = ["prefect", *arguments]
    app()


if __name__ == "__main__":
    main()
