"""The one patience of tests that wait for processes, also on a machine with much to do."""

import time
from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 180.0


_FIRST_SECONDS = 0.02
_LONGEST_SECONDS = 0.4


def pauses() -> Iterator[float]:
    """Yield the seconds between two questions: what takes long is asked for less often.

    Asking costs a server time, which the others who wait on this machine would miss.
    """
    seconds = _FIRST_SECONDS
    while True:
        yield seconds
        seconds = min(seconds * 1.3, _LONGEST_SECONDS)


def eventually[T](
    question: Callable[[], T | None], what: str, *, within: float = PATIENCE_SECONDS
) -> T:
    """Ask until the answer is yes; fail after a while, saying that `what` was waited for."""
    ends = time.monotonic() + within
    for pause in pauses():
        if answer := question():
            return answer
        assert time.monotonic() < ends, f"Waited in vain for {within:.0f} s until {what}"
        time.sleep(pause)
    raise AssertionError
