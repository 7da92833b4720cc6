"""One websocket, as far as this server speaks it: texts, and a reason for the end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from flowruns.domain.texts import read_json
from flowruns.web.types import Receive, Scope, Send

PROTOCOL_ERROR = 1002
POLICY_VIOLATION = 1008
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013

_LONGEST_REASON = 120  # bytes; a frame that closes has room for 123
_ANSWER_SECONDS = 30


class SocketClosed(Exception):
    """The other side is gone"""


async def _nothing() -> None:
    """Wait for nothing."""


class Socket:
    """A websocket that is being served."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path: str = scope["path"].rstrip("/")
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        self.subprotocols: list[str] = list(scope.get("subprotocols") or ())
        self.client: tuple[str, int] | None = scope.get("client")
        self.server: tuple[str, int | None] | None = scope.get("server")
        self.key_id: UUID | None = None  # of the API key that let it in, if any
        # What the other side may take the answer to a ping for, where it waits for something
        self.before_pong: Callable[[], Awaitable[None]] = _nothing
        self._receive = receive
        self._send = send

    async def accept(self, subprotocol: str | None) -> None:
        message = await self._receive()
        if message["type"] != "websocket.connect":
            raise SocketClosed
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def refuse(self) -> None:
        """Answer the request for a websocket with 403."""
        await self._receive()
        await self._send({"type": "websocket.close", "code": POLICY_VIOLATION})

    async def receive(self) -> str:
        """Return the next message; raises `SocketClosed`."""
        while (message := await self._receive())["type"] == "websocket.ping":
            await self.before_pong()
            await self._send({"type": "websocket.pong", "bytes": message["bytes"]})
        if message["type"] == "websocket.disconnect":
            raise SocketClosed
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"]).decode(errors="replace")

    async def receive_object(self) -> dict[str, Any]:
        """Return the next message as a JSON object, {} where it is none or takes too long."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                value = read_json(await self.receive())
        except (TimeoutError, ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    async def send(self, text: str) -> None:
        """Send a text, and wait while the other side takes nothing; raises `SocketClosed`."""
        try:
            await self._send({"type": "websocket.send", "text": text})
        except OSError as error:
            raise SocketClosed from error

    async def close(self, code: int, reason: str) -> None:
        """End it; the other side reads why."""
        short = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
        with suppress(OSError):
            await self._send({"type": "websocket.close", "code": code, "reason": short})

    async def close_for(self, error: ValidationError) -> None:
        """End it because of a filter that is none; names what is wrong with it."""
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        await self.close(PROTOCOL_ERROR, f"Invalid filter: {place} {problem['msg']}")

    async def until_closed(self) -> None:
        """Return when the other side is gone; what it says until then is of no interest."""
        with suppress(SocketClosed):
            while True:
                await self.receive()
