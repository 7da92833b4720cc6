"""HTTP whose requests must arrive in time, so that nobody holds a connection for nothing."""

import asyncio
from asyncio import Transport
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0
BODY_SECONDS = 60.0


class TimedHttp(H11Protocol):
    """Ends a connection whose header takes ten seconds to arrive, or its body a minute."""

    _deadline: asyncio.TimerHandle | None = None
    _minded: tuple[Any, Any] | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._mind(HEADER_SECONDS)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        arriving = (self.conn.their_state, self.cycle)
        if arriving == self._minded:
            return  # the time of this header or body runs already
        self._minded = arriving
        if self.conn.their_state is h11.SEND_BODY:
            self._mind(BODY_SECONDS)
        elif self.conn.their_state is h11.IDLE:
            self._mind(HEADER_SECONDS)
        else:
            self._mind(None)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._mind(None)
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._mind(None)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        self._minded = None  # the next header is another one
        super().on_response_complete()

    def _mind(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self.transport.abort)
