"""Letting in a few requests at once, so that a thousand which come together do no harm.

Django's ASGI handler keeps a thread, and with it a database connection, for every request in
flight. When everybody who waits is woken at the same time, that would be thousands. Nobody's
requests keep those of others waiting: the keys take turns, writers leave room for readers, and
those that were held, and those who log in, have lanes of their own.
"""

import asyncio
from collections.abc import Mapping
from enum import StrEnum

from flowruns.pubsub import outages
from flowruns.web.callers import Callers
from flowruns.web.long_poll import WAS_HELD
from flowruns.web.turns import Turns
from flowruns.web.types import Application, Message, Receive, Scope, Send, refuse


class Lane(StrEnum):
    """Requests that wait for each other alone."""

    READS = "reads"
    WRITES = "writes"
    HELD = "held"
    LOG_IN = "log in"
    LARGE = "large"


# Together fewer than the connections that a process keeps to PostgreSQL, and more than a processor
# has work for.
AT_ONCE = {Lane.READS: 7, Lane.WRITES: 6, Lane.HELD: 3, Lane.LOG_IN: 2, Lane.LARGE: 1}
# Reading a body of megabytes as JSON keeps all threads of the process waiting, again and again.
_LARGE_BODY = 256 * 1024
# Nobody waits longer for a turn; while the database is away nobody waits for it, either.
_PATIENCE_SECONDS = 30.0
_PATIENCE_IN_OUTAGE_SECONDS = 0.5
_NOT_NOW = "The server is not available; try again in a moment."
_LOG_IN = "/accounts/login/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# These read, though by POST
_QUERIES = ("/filter", "/count", "/paginate", "/history", "/validate")


def admit_requests(app: Application, *, at_once: Mapping[Lane, int] = AT_ONCE) -> Application:
    """Let so many requests of each lane at most be answered at a time; others wait for a turn.

    A request has its turn from when its body has arrived to when its answer begins, so slow
    clients keep nobody waiting.
    """
    lanes = {lane: Turns(most, of_one_key=max(1, most - 2)) for lane, most in at_once.items()}
    callers = Callers()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        turns, key, has_turn, size = lanes[_choose_lane(scope)], callers.name(scope), False, 0

        async def receive_request() -> Message:
            nonlocal has_turn, turns, size
            message = await receive()
            size += len(message.get("body", b""))
            if size > _LARGE_BODY:
                turns = lanes[Lane.LARGE]
            if message["type"] == "http.request" and not message.get("more_body", False):
                await _take_turn(turns, key)
                has_turn = True
            return message

        def end_turn() -> None:
            nonlocal has_turn
            if has_turn:
                turns.give_back(key)
            has_turn = False

        async def send_answer(message: Message) -> None:
            end_turn()
            callers.remember(scope)
            await send(message)

        try:
            await app(scope, receive_request, send_answer)
        except _TurnRefused:
            await refuse(send, 503, _NOT_NOW, outages.HEADERS)
        finally:
            end_turn()

    return application


class _TurnRefused(Exception):
    """A request has waited too long for its turn."""


async def _take_turn(turns: Turns, key: str) -> None:
    if turns.take_free(key):
        return
    taking, waited = asyncio.ensure_future(turns.take(key)), 0.0
    look = min(_PATIENCE_SECONDS, _PATIENCE_IN_OUTAGE_SECONDS)
    try:
        while not taking.done() and waited < _PATIENCE_SECONDS:
            if waited and outages.goes_on():
                break
            await asyncio.wait({taking}, timeout=look)
            waited += look
    except asyncio.CancelledError:
        if not taking.cancel():  # the turn came at the same moment
            turns.give_back(key)
        raise
    if not taking.done():
        taking.cancel()
        raise _TurnRefused


def _choose_lane(scope: Scope) -> Lane:
    if scope.get(WAS_HELD):
        return Lane.HELD
    if scope["path"] == _LOG_IN:
        return Lane.LOG_IN
    path = scope["path"].rstrip("/")
    return Lane.READS if scope["method"] in _SAFE or path.endswith(_QUERIES) else Lane.WRITES
