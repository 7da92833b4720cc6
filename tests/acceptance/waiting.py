"""The one patience of tests that wait for processes, also on a machine with much to do."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180.0


def eventually[T](
    question: Callable[[], T | None],
    what: str,
    *,
    within: float = PATIENCE_SECONDS,
    every: float = 0.05,
) -> T:
    """Ask until the answer is yes; fail after a while, saying that `what` was waited for."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        if answer := question():
            return answer
        time.sleep(every)
    raise AssertionError(f"Waited in vain for {within:.0f} s until {what}")
