"""Waiting for one another, for threads and asyncio tasks alike."""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from flowruns.sdk.steps.steps import Await, Steps


class Turnstile:
    """Lets one pass at a time, first come, first served; who stops waiting loses their place."""

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


class Gate:
    """Holds those who come while it is closed, and lets them on together when it opens."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: list[Future[None]] = []
        self._closings = 0

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Close the gate for a while; where the process is ending, who is held is turned away."""
        with self._guard:
            self._closings += 1
        goes_on = True
        try:
            yield
        except BaseException as error:
            from asyncio import CancelledError

            goes_on = isinstance(error, Exception | CancelledError)
            raise
        finally:
            self._open(goes_on=goes_on)

    def _open(self, *, goes_on: bool) -> None:
        with self._guard:
            self._closings -= 1
            if self._closings and goes_on:
                return
            held, self._held = self._held, []
        for ticket in held:
            if not goes_on:
                ticket.cancel()
            elif ticket.set_running_or_notify_cancel():
                ticket.set_result(None)

    def pass_through(self) -> Steps[None]:
        """Wait while the gate is closed; raises CancelledError for who is turned away."""
        while True:
            with self._guard:
                if not self._closings:
                    return
                ticket: Future[None] = Future()
                self._held.append(ticket)
            yield Await(ticket)
