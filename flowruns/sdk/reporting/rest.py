"""What is left to tell the server when a run has ended: log lines, and states of tasks."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

from flowruns.sdk.config import load_config
from flowruns.sdk.reporting import logs, task_runs
from flowruns.sdk.steps.steps import Block, Steps


def send_the_rest() -> None:
    """Wait until the server has what was told of tasks, and the log lines; not long."""
    task_runs.shipper.flush()
    logs.shipper.flush()


class _Sending:
    """Sends the rest in one thread of the process, however many runs end meanwhile."""

    def __init__(self) -> None:
        self._pid = 0

    def begin(self) -> None:
        if self._pid != os.getpid():  # the thread stays behind in the parent of a forked process
            self._pid = os.getpid()
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="flowruns-rest")
            self._last: Future[None] | None = None
        is_waiting = self._last and not (self._last.running() or self._last.done())
        if not is_waiting:
            self._last = self._thread.submit(send_the_rest)


_sending = _Sending()


def send_the_rest_soon() -> Steps[None]:
    """Have it sent now, while the caller goes on; the process does not end before it is.

    At its end Python waits for what an executor was given, also in the processes that
    `multiprocessing` makes. A server in memory has all of it when this returns: tests look at once.
    """
    if load_config().transport is not None:
        yield Block(send_the_rest)
    else:
        _sending.begin()
