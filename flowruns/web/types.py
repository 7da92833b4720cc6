"""What ASGI applications are made of, and the two things that all of ours do with it."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Where a scope has its headers once they were read
_HEADERS = "approvals.headers"


def read_headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers by their names in lower case, which each layer reads and one decodes."""
    headers: dict[str, str] | None = scope.get(_HEADERS)
    if headers is None:
        pairs = scope["headers"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        scope[_HEADERS] = headers
    return headers


async def refuse(send: Send, status: int, detail: str, headers: Mapping[str, str]) -> None:
    """Answer in Django's place, which is not to be asked."""
    body = json.dumps({"detail": detail}).encode()
    length = str(len(body))
    named = {"Content-Type": "application/json", "Content-Length": length, **headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
