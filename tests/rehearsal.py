"""Play steps by hand: no network, no threads, and a clock that only the steps move."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flowruns.sdk.errors import ServerUnreachable
from flowruns.sdk.steps.steps import (
    Await,
    Block,
    Emit,
    Invoke,
    Moment,
    ReadClock,
    Reply,
    Send,
    Sleep,
    Step,
    Steps,
)
from flowruns.wire.headers import read_wait

MIDNIGHT = datetime(2026, 11, 1, tzinfo=UTC)


class Rehearsal:
    """A stage for steps; `at` lets something happen while they sleep or hold a request."""

    def __init__(self, server: Callable[[Send], Reply], *, holds: bool = False) -> None:
        self.server = server
        self.holds = holds
        self.seconds = 0.0
        self.sent: list[Send] = []
        self.slept: list[float] = []
        self._tickets = itertools.count()
        self._events: list[tuple[float, int, Callable[[], object]]] = []

    def now(self) -> datetime:
        return MIDNIGHT + timedelta(seconds=self.seconds)

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        heapq.heappush(self._events, (seconds, next(self._tickets), event))

    def play[T](self, steps: Steps[T]) -> T:
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                step = steps.throw(error) if error else steps.send(answer)
            except StopIteration as stop:
                result: T = stop.value
                return result
            answer = error = None
            try:
                answer = self._perform(step)
            except BaseException as raised:  # noqa: BLE001 -- the steps decide what it means
                error = raised

    def _perform(self, step: Step) -> Any:
        match step:
            case Send():
                return self._send(step)
            case Sleep(seconds):
                self.slept.append(seconds)
                return self._pass_time(self.seconds + seconds)
            case ReadClock():
                return Moment(self.now(), self.seconds)
            case Invoke(call, _) | Block(call):
                return call()
            case Emit():
                return None
            case Await(ticket):
                return ticket.result(timeout=0)

    def _pass_time(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.seconds, _, event = heapq.heappop(self._events)
            event()
        self.seconds = until

    def _send(self, request: Send) -> Reply:
        self.sent.append(request)
        reply = self.server(request)
        hold = read_wait(request.headers.get("Prefer", ""))
        if not (self.holds and hold) or self._is_news(request, reply):
            return reply
        return self._hold(request, hold)

    def _hold(self, request: Send, hold: int) -> Reply:
        ends = self.seconds + hold
        applied = {"preference-applied": f"wait={hold}"}
        while self._events and self._events[0][0] <= ends:
            self._pass_time(self._events[0][0])
            reply = self.server(request)
            if self._is_news(request, reply):
                return Reply(reply.status, reply.content, {**reply.headers, **applied})
        self._pass_time(ends)
        return Reply(304, b"", applied)

    def _is_news(self, request: Send, reply: Reply) -> bool:
        known = request.headers.get("If-None-Match", "")
        return reply.status != 200 or known.strip('"') not in reply.content.decode()


class Away:
    """A server that goes away and comes back."""

    def __init__(self, server: Callable[[Send], Reply]) -> None:
        self.server = server
        self.is_away = False

    def leave(self) -> None:
        self.is_away = True

    def come_back(self) -> None:
        self.is_away = False

    def __call__(self, request: Send) -> Reply:
        if self.is_away:
            raise ServerUnreachable("The server at http://flowruns.test/api cannot be reached")
        return self.server(request)
