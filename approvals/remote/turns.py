"""Turns: those who mirror servers write one after the other, and leave the database to others.

SQLite has no queue of writers: who finds it locked looks again after 1, 2, 5, 10, 15 and 20 ms,
then every 25 ms, and later every 100. Several threads that write without a pause would lock out
whoever decides meanwhile, until that one's patience is over.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# So long, in seconds, is written in a row: a waiter looks every 25 ms by then
_IN_A_ROW = 0.08
# Longer than a waiter's pause, which therefore finds the database free
_LEFT_TO_OTHERS = 0.03


class Turns:
    """Lets one thread write at a time, and all of them rest after some time of it."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], object] = time.sleep,
    ) -> None:
        self._clock, self._rest = clock, rest
        self._lock = threading.Lock()
        self._written = 0.0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait until it is this thread's turn, and rest at its end where that is due."""
        with self._lock:
            began = self._clock()
            try:
                yield
            finally:
                self._written += self._clock() - began
            if self._written >= _IN_A_ROW:
                self._written = 0.0
                self._rest(_LEFT_TO_OTHERS)


_turns = Turns()


@contextmanager
def writing(turns: Turns = _turns) -> Iterator[None]:
    """Be in a transaction of one's own, in turn where the database has one writer at a time."""
    # Whoever is in a transaction already holds the database: to wait for a turn would block both
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with turns.take(), transaction.atomic():
        yield
