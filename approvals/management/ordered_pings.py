"""Websockets whose application answers pings, in their order among the messages.

Prefect's client takes the answer to a ping for the word that all it has sent before is safe, and
forgets it. Uvicorn answers as soon as a ping is read; here the application does, when that is true.
"""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_CLOSE_SECONDS = 5.0


class OrderedPings(WebSocketsSansIOProtocol):
    """Passes on a ping as `websocket.ping`; `websocket.pong` with the same bytes answers it."""

    def handle_ping(self) -> None:
        answer = b"".join(self.conn.data_to_send())
        if self.close_sent:
            return
        ping: Any = {"type": "websocket.ping", "bytes": answer}
        self.queue.put_nowait(ping)
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            await self._send_close(message)
        elif message["type"] != "websocket.pong":
            await super().send(message)
        elif not self.transport.is_closing():
            self.transport.write(message["bytes"])

    async def _send_close(self, message: Any) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await super().send(message)
        except TimeoutError:  # what was sent before has not been read
            self.transport.abort()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._end_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    def _end_soon(self) -> None:
        """End the connection, also where the other side never reads what it is still to get."""
        self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)
