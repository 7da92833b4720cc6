"""Websockets whose application answers pings, in their order among the messages.

Prefect's client takes the answer to a ping for the word that all it has sent before is safe, and
forgets it. Uvicorn answers as soon as a ping is read; here the application does, when that is true.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


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
        if message["type"] != "websocket.pong":
            await super().send(message)
        elif not self.transport.is_closing():
            self.transport.write(message["bytes"])
