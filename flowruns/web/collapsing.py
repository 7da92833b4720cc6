"""Answering at once all who were held for the same: what RFC 9111 calls collapsed requests.

Thousands may wait for one run, and are woken together. Those who show the same key and ask in the
same words get the answer that one of them is given.
"""

import asyncio

from flowruns.web.long_poll import WAS_HELD
from flowruns.web.types import Application, Message, Receive, Scope, Send

# What clients and proxies say of each request anew, and no answer depends on
_UNREAD = frozenset(
    {
        b"date",
        b"forwarded",
        b"traceparent",
        b"tracestate",
        b"x-forwarded-for",
        b"x-real-ip",
        b"x-request-id",
    }
)

type _Question = tuple[str, bytes, tuple[tuple[bytes, bytes], ...]]


def collapse_requests(app: Application) -> Application:
    """Ask the application once for all requests that were held, are the same and come together."""
    answers = _Answers(app)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get(WAS_HELD) or scope["method"] != "GET":
            await app(scope, receive, send)
            return
        for message in await answers.find(scope):
            await send(message)

    return application


class _Answers:
    """Finds answers; who asks while the same is being answered waits for the next answer.

    So nobody is told what was true before they asked.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._next: dict[_Question, asyncio.Task[list[Message]]] = {}
        self._begun: dict[_Question, asyncio.Task[list[Message]]] = {}

    async def find(self, scope: Scope) -> list[Message]:
        question = _read_question(scope)
        if question not in self._next:
            self._next[question] = asyncio.create_task(self._answer(question, scope))
        # Shielded: a client that leaves takes nothing from the others
        return await asyncio.shield(self._next[question])

    async def _answer(self, question: _Question, scope: Scope) -> list[Message]:
        if before := self._begun.get(question):
            await asyncio.wait({before})
        self._begun[question] = self._next.pop(question)
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await self._app(scope, _receive_no_body, send)
        finally:
            del self._begun[question]
        return sent


def _read_question(scope: Scope) -> _Question:
    headers = tuple((name, value) for name, value in scope["headers"] if name not in _UNREAD)
    return scope["path"], scope["query_string"], headers


async def _receive_no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
