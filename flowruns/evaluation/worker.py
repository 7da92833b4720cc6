"""The process in which `processes` has jobs done that may take too long: it ends at the deadline.

`python -m flowruns.evaluation.worker DESCRIPTOR`, with one end of a pipe.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

_MAX_MEMORY = 1024**3
# What others wait for comes first
_NICENESS = 10


def main(descriptor: int) -> None:
    """Do jobs until nobody is left who sends any."""
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
    with Connection(descriptor) as parent:
        while True:
            try:
                job, arguments, reads_variables, seconds = parent.recv()
            except EOFError:
                return
            find_variable = partial(_ask, parent) if reads_variables else None
            # SIGALRM is left as it is: it ends the process wherever that is, also in C
            signal.setitimer(signal.ITIMER_REAL, seconds)
            answer = _do(lambda: job(*arguments, find_variable))  # noqa: B023 -- called at once
            signal.setitimer(signal.ITIMER_REAL, 0)
            parent.send(answer)


def _do(work: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return "returned", work()
    except Exception as error:  # noqa: BLE001 -- raised again where the job comes from
        return "raised", error


def _ask(parent: Connection, name: str) -> Any:
    """Return what a variable stands for, which only the parent can read."""
    parent.send(("variable", name))
    is_found, value = parent.recv()
    if not is_found:
        raise value
    return value


if __name__ == "__main__":
    main(int(sys.argv[1]))
