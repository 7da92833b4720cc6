"""First come, first served, for threads and asyncio tasks alike."""

import threading
from collections import deque
from concurrent.futures import Future

from flowruns.sdk.steps import Await, Steps


class Turnstile:
    """Lets one pass at a time, in the order they came; one who stops waiting loses their place."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: deque[Future[None]] = deque()
        self._taken = False

    def _take_ticket(self) -> Future[None]:
        ticket: Future[None] = Future()
        with self._guard:
            self._queue.append(ticket)
            self._admit_next()
        return ticket

    def _admit_next(self) -> None:
        while not self._taken and self._queue:
            ticket = self._queue.popleft()
            if ticket.set_running_or_notify_cancel():
                self._taken = True
                ticket.set_result(None)

    def _leave(self) -> None:
        with self._guard:
            self._taken = False
            self._admit_next()

    def pass_through[T](self, steps: Steps[T]) -> Steps[T]:
        """Wait for one's turn, play `steps`, let the next one in."""
        ticket = self._take_ticket()
        try:
            yield Await(ticket)
        except BaseException:
            if not ticket.cancel():
                self._leave()
            raise
        try:
            return (yield from steps)
        finally:
            self._leave()
