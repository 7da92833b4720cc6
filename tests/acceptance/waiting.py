"""The one patience of tests that wait for processes, also on a machine with much to do."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180.0
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.4


def eventually[T](
    question: Callable[[], T | None], what: str, *, within: float = PATIENCE_SECONDS
) -> T:
    """Ask until the answer is yes; fail after a while, saying that `what` was waited for.

    What takes long is asked for less often: a question costs a server time, which the others who
    wait on this machine would miss.
    """
    ends, pause = time.monotonic() + within, _FIRST_PAUSE_SECONDS
    while not (answer := question()):
        assert time.monotonic() < ends, f"Waited in vain for {within:.0f} s until {what}"
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE_SECONDS)
    return answer
