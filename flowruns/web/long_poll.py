"""Holding a request until there is news (RFC 7240, `Prefer: wait`).

An ASGI application in front of Django's, which would keep a thread for every request in flight.
Two requests are held when they ask for it with `Prefer: wait=30`: reading a run whose state the
client knows (`If-None-Match: "<state id>"`), until it changes; and listing the scheduled runs of
deployments, until one is due. Django then answers with what is true by then; nobody asks it about
a run that is still in the state which its reader knows.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from pydantic import ValidationError

from flowruns.pubsub import outages
from flowruns.pubsub.waiters import ask_database, is_released, read_state_id, waiting_for
from flowruns.services.api_keys import find_api_key, recall_api_key
from flowruns.services.deployments.deployments import due_flow_runs
from flowruns.web.turns import Turns
from flowruns.web.types import Application, Message, Receive, Scope, Send, read_headers, refuse
from flowruns.wire.deployments import ScheduledRunsQuery
from flowruns.wire.headers import read_etag, read_key, read_wait, reads_heartbeat

_FLOW_RUN = re.compile(r"/api/flow_runs/(?P<id>[0-9a-fA-F-]{36})/?")
_SCHEDULED_RUNS = "/api/deployments/get_scheduled_flow_runs"
_MAX_BODY = 100_000
# Requests of one API key that a process holds; each takes 20 kB.
MAX_HELD_OF_ONE_KEY = 5_000
_TOO_MANY = f"This API key has {MAX_HELD_OF_ONE_KEY:,} requests held here; ask again later."
# Says in a scope that the request was held, and so perhaps woken with many others.
WAS_HELD = "approvals.was_held"

# As many questions as `waiters` asks at a time, of the keys in turn
_questions = Turns(4)
_held: Counter[str] = Counter()


# Done when the client of a held request is there no longer
type Leaving = asyncio.Task[None]


class Hold(Protocol):
    """What a request waits for, how long at most, and with which API key."""

    @property
    def seconds(self) -> int: ...

    @property
    def key(self) -> str: ...

    async def wait(self, leaving: Leaving) -> UUID | None:
        """Return the state that is still the current one, or None if there may be news.

        Also as soon as `leaving` is done.
        """
        ...


@dataclass(frozen=True, slots=True)
class HoldForState:
    """Waits until a run leaves the state that the client knows."""

    flow_run_id: UUID
    known: UUID
    seconds: int
    key: str
    is_heartbeat: bool = False

    async def wait(self, leaving: Leaving) -> UUID | None:
        waiting = waiting_for(self.flow_run_id, known=self.known, is_heartbeat=self.is_heartbeat)
        with waiting as waiter:
            # Asked after registering: a change in between wakes the waiter
            if not await _is_valid(self.key) or await read_state_id(self.flow_run_id) != self.known:
                return None
            leaving.add_done_callback(lambda _: waiter.wake())
            return None if await waiter.sleep(seconds=self.seconds) else self.known


async def _is_valid(key: str) -> bool:
    """Whether a key is valid; of thousands that come with it, one asks the database."""
    if recall_api_key(key) is not None:
        return True
    async with _questions.turn(key):
        found = recall_api_key(key) or await ask_database(lambda: find_api_key(key))
    return found is not None


@dataclass(frozen=True, slots=True)
class HoldForWork:
    """Waits until one of the deployments has a run to start."""

    query: ScheduledRunsQuery
    seconds: int
    key: str

    async def wait(self, leaving: Leaving) -> None:
        end = time.monotonic() + self.seconds
        with waiting_for(*self.query.deployment_ids, known=None) as waiter:
            leaving.add_done_callback(lambda _: waiter.wake())
            while not (is_released() or leaving.done()) and (left := end - time.monotonic()) > 0:
                async with _questions.turn(self.key):
                    due_in = await ask_database(self._seconds_until_due)
                if due_in <= 0:
                    return
                await waiter.sleep(seconds=min(left, due_in))

    def _seconds_until_due(self) -> float:
        """Return how long until there is something to answer; none at all without a valid key."""
        if find_api_key(self.key) is None:
            return 0
        first = due_flow_runs(self.query.deployment_ids).first()
        if first is None or first.next_scheduled_start_time is None:
            return self.seconds
        until = self.query.scheduled_before or datetime.now(UTC)
        return (first.next_scheduled_start_time - until).total_seconds()


def hold_requests(app: Application) -> Application:
    """Put long polls in front of an ASGI application."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        replay = _Replay(receive)
        hold = await _read_hold(scope, replay) if scope["type"] == "http" else None
        if hold is None:
            await app(scope, replay, send)
            return
        with suppress(_ClientLeft):
            try:
                with _counted(hold.key):
                    unchanged = await _wait(hold, replay)
            except _TooManyHeld:
                await refuse(send, 429, _TOO_MANY, {"Retry-After": "5"})
                return
            except outages.AWAY as error:
                outages.note_failure(error)
                await refuse(send, 503, outages.DETAIL, outages.HEADERS)
                return
            scope[WAS_HELD] = True
            answer = _say_applied(send, hold)
            if unchanged is None:
                await app(scope, replay, answer)
            else:
                await _say_unchanged(answer, unchanged)

    return application


async def _read_hold(scope: Scope, receive: "_Replay") -> Hold | None:
    """Return what a request asks to wait for, or None where it does not ask."""
    headers = read_headers(scope)
    prefer = headers.get("prefer", "")
    seconds = read_wait(prefer)
    if not seconds:
        return None
    key = read_key(headers.get("authorization", ""))
    if scope["method"] == "POST" and scope["path"] == _SCHEDULED_RUNS:
        query = _read_query(await receive.read_body())
        return HoldForWork(query, seconds, key) if query else None
    match = _FLOW_RUN.fullmatch(scope["path"])
    flow_run_id = read_etag(match["id"]) if match else None
    known = read_etag(headers.get("if-none-match", ""))
    if scope["method"] != "GET" or flow_run_id is None or known is None:
        return None
    return HoldForState(flow_run_id, known, seconds, key, reads_heartbeat(prefer))


def _read_query(body: bytes) -> ScheduledRunsQuery | None:
    """Read what runs are asked for; what is malformed is left to Django to refuse."""
    try:
        return ScheduledRunsQuery.model_validate_json(body)
    except ValidationError:
        return None


def _say_applied(send: Send, hold: Hold) -> Send:
    header = (b"preference-applied", f"wait={hold.seconds}".encode())

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return send_with_header


async def _say_unchanged(send: Send, state_id: UUID) -> None:
    """Answer in Django's place, which would have to read a run that is as the client knows it."""
    headers = [(b"etag", f'"{state_id}"'.encode())]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


class _Replay:
    """Receives on the application's behalf while it waits, and lets it have the same messages."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def read_body(self) -> bytes:
        """Return the start of the body, all of it unless it is far too long for what it asks."""
        body, more = b"", True
        while more and len(body) < _MAX_BODY:
            message = await self._receive()
            self._messages.append(message)
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body

    async def until_disconnect(self) -> None:
        while True:
            message = await self._receive()
            self._messages.append(message)
            if message["type"] == "http.disconnect":
                return

    async def __call__(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()


class _TooManyHeld(Exception):
    """A key has as many requests held as it may."""


@contextmanager
def _counted(key: str) -> Iterator[None]:
    if _held[key] >= MAX_HELD_OF_ONE_KEY:
        raise _TooManyHeld
    _held[key] += 1
    try:
        yield
    finally:
        _held[key] -= 1
        if not _held[key]:
            del _held[key]


def count_held() -> int:
    """Return how many requests this process holds now."""
    return _held.total()


class _ClientLeft(Exception):
    """Nobody is there to be answered."""


async def _wait(hold: Hold, receive: _Replay) -> UUID | None:
    """Wait for news or the end of patience; raises `_ClientLeft` when the client is gone."""
    leaving = asyncio.create_task(receive.until_disconnect())
    try:
        unchanged = await hold.wait(leaving)
        if leaving.done():
            raise _ClientLeft
        return unchanged
    finally:
        leaving.cancel()
