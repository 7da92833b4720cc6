"""Holding a GET until the run's state changes (RFC 7240, `Prefer: wait`).

An ASGI application in front of Django's, which would keep a thread for every request in flight.
A request for a run that says which state it knows (`If-None-Match: "<state id>"`) and asks to be
held (`Prefer: wait=30`) sleeps here; Django then answers it with what is true by then.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from flowruns.models import FlowRun
from flowruns.services.api_keys import find_api_key
from flowruns.waiters import ask_database, waiting_for
from flowruns.wire import MAX_HOLD_SECONDS

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATH = re.compile(r"/api/flow_runs/(?P<id>[0-9a-fA-F-]{36})/?")
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(?P<seconds>\d{1,6})\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hold:
    """A request to be held: for which run, in which known state, how long and with which key."""

    flow_run_id: UUID
    known: UUID
    seconds: int
    key: str


def read_hold(method: str, path: str, headers: dict[str, str]) -> Hold | None:
    """Return what a request asks to wait for, or None where it does not ask."""
    match = _PATH.fullmatch(path)
    seconds = read_wait(headers.get("prefer", ""))
    known = read_etag(headers.get("if-none-match", ""))
    if method != "GET" or match is None or not seconds or known is None:
        return None
    try:
        flow_run_id = UUID(match["id"])
    except ValueError:
        return None
    key = headers.get("authorization", "").removeprefix("Bearer ").strip()
    return Hold(flow_run_id, known, seconds, key)


def read_wait(prefer: str) -> int:
    """Return the seconds that a `Prefer` header asks to wait, at most `MAX_HOLD_SECONDS`."""
    match = _WAIT.search(prefer)
    return min(int(match["seconds"]), MAX_HOLD_SECONDS) if match else 0


def read_etag(if_none_match: str) -> UUID | None:
    """Return the state id of an entity tag, or None where it is no state id."""
    try:
        return UUID(if_none_match.strip().removeprefix("W/").strip('"'))
    except ValueError:
        return None


def hold_requests(app: Application) -> Application:
    """Put the waiting room in front of an ASGI application."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        hold = _read_scope(scope) if scope["type"] == "http" else None
        if hold is None:
            await app(scope, receive, send)
            return
        replay = _Replay(receive)
        if await _wait_or_disconnect(hold, replay):
            await app(scope, replay, _say_applied(send, hold))

    return application


def _say_applied(send: Send, hold: Hold) -> Send:
    header = (b"preference-applied", f"wait={hold.seconds}".encode())

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return send_with_header


def _read_scope(scope: Scope) -> Hold | None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return read_hold(scope["method"], scope["path"], headers)


class _Replay:
    """Receives on the application's behalf while it waits, and lets it have the same messages."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def until_disconnect(self) -> None:
        while True:
            message = await self._receive()
            self._messages.append(message)
            if message["type"] == "http.disconnect":
                return

    async def __call__(self) -> Message:
        return self._messages.pop(0) if self._messages else await self._receive()


async def _wait_or_disconnect(hold: Hold, receive: _Replay) -> bool:
    """Wait for the change or the end of patience; False when the client is gone."""
    change = asyncio.create_task(_wait(hold))
    disconnect = asyncio.create_task(receive.until_disconnect())
    try:
        await asyncio.wait({change, disconnect}, return_when=asyncio.FIRST_COMPLETED)
        return change.done()
    finally:
        for task in (change, disconnect):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _wait(hold: Hold) -> None:
    with waiting_for(hold.flow_run_id, known=hold.known) as waiter:
        # asked after registering: a change in between wakes the waiter
        if await ask_database(partial(_is_unchanged, hold)):
            with suppress(TimeoutError):
                async with asyncio.timeout(hold.seconds):
                    await waiter.sleep()


def _is_unchanged(hold: Hold) -> bool:
    """Whether to wait at all: a valid key, and the run still in the state that is known."""
    if find_api_key(hold.key) is None:
        return False
    return FlowRun.objects.filter(pk=hold.flow_run_id, state_id=hold.known).exists()
