"""HTTP whose requests must arrive in time, so that nobody holds a connection for nothing."""

import asyncio
from asyncio import Transport
from enum import Enum, auto

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
BODY_SECONDS = 60.0
# Bytes of an address with all headers; the parser itself takes any number
LONGEST_HEADER = 64 * 1024


class Arriving(Enum):
    """What of a request is on its way."""

    HEADER = auto()
    BODY = auto()


class HeaderTooLong(ValueError):
    """More headers than anybody needs; the connection ends with 400."""


class TimedHttp(HttpToolsProtocol):
    """Ends a connection whose header takes ten seconds to arrive, or its body a minute."""

    _deadline: asyncio.TimerHandle | None = None
    _arriving: Arriving | None = None
    _received = 0  # bytes of the header that is arriving
    _requests = 0  # of this connection
    _minded: tuple[Arriving | None, int] | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._mind(HEADER_SECONDS)

    def data_received(self, data: bytes) -> None:
        if self._arriving is not Arriving.BODY:
            self._arriving = Arriving.HEADER
            self._received += len(data)
        super().data_received(data)
        if self._arriving is Arriving.HEADER and self._received > LONGEST_HEADER:
            self.send_400_response("The header is too long.")
        self._mind_what_arrives()

    def on_message_begin(self) -> None:
        self._arriving = Arriving.HEADER
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        length = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if length > LONGEST_HEADER:
            raise HeaderTooLong
        self._arriving, self._received = Arriving.BODY, 0
        self._requests += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arriving = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._arriving = None
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        self._mind(None)
        super().connection_lost(exc)

    def _mind_what_arrives(self) -> None:
        arriving = (self._arriving, self._requests)
        if arriving == self._minded:
            return  # the time of this header or body runs already
        self._minded = arriving
        seconds = {Arriving.HEADER: HEADER_SECONDS, Arriving.BODY: BODY_SECONDS}
        self._mind(seconds[self._arriving] if self._arriving else None)

    def _mind(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self.transport.abort)
