"""Connections on which nothing comes, or nothing is read, are ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from approvals.management import ordered_pings, timed_http
from approvals.management.ordered_pings import OrderedPings
from approvals.management.timed_http import TimedHttp
from flowruns.web.types import Message, Receive, Scope, Send

SOON = 0.05
LATE = 30.0


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    message: Message = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Serve one connection, and yield the client's end of it."""
    config = uvicorn.Config(cast("Any", read_all), log_level="critical", log_config=None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: TimedHttp(config, ServerState(), {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


async def until_ended(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(LATE):
        try:
            assert await reader.read(1) == b""
        except ConnectionResetError:
            return


@pytest.mark.parametrize(
    ("header_seconds", "body_seconds", "sent"),
    [
        (SOON, LATE, b""),
        (SOON, LATE, b"GET / HTTP/1.1\r\nHost: x"),
        (LATE, SOON, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"),
    ],
    ids=["nothing", "half a header", "half a body"],
)
def test_a_request_that_never_comes_is_ended(
    header_seconds: float, body_seconds: float, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timed_http, "HEADER_SECONDS", header_seconds)
    monkeypatch.setattr(timed_http, "BODY_SECONDS", body_seconds)

    async def main() -> None:
        async with serving() as (reader, writer):
            writer.write(sent)
            await until_ended(reader)

    asyncio.run(main())


def test_a_kept_connection_has_its_time_anew_for_each_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timed_http, "HEADER_SECONDS", SOON)

    async def main() -> None:
        async with serving() as (reader, writer):
            for _ in range(3):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
                await asyncio.sleep(2 * SOON)
            writer.write(b"GET / HTTP/1.1\r\n")
            await until_ended(reader)

    asyncio.run(main())


@pytest.mark.parametrize("begins", [b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"GET /"])
@pytest.mark.parametrize("ends", [b"", b"\r\n\r\n"])
def test_a_header_without_end_is_refused(begins: bytes, ends: bytes) -> None:
    async def main() -> None:
        async with serving() as (reader, writer):
            writer.write(begins + b"x" * timed_http.LONGEST_HEADER + ends)
            async with asyncio.timeout(LATE):
                assert (await reader.readline()).startswith(b"HTTP/1.1 400")

    asyncio.run(main())


def test_requests_that_come_together_are_answered_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timed_http, "HEADER_SECONDS", SOON)
    whole = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"

    async def main() -> None:
        async with serving() as (reader, writer):
            writer.write(whole * 3 + b"GET / HTTP/1.1\r\n")
            for _ in range(3):
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            await until_ended(reader)

    asyncio.run(main())


class StuckTransport:
    """A connection whose other side reads nothing."""

    def __init__(self) -> None:
        self.was_aborted = False

    def abort(self) -> None:
        self.was_aborted = True

    def is_closing(self) -> bool:
        return self.was_aborted


def test_a_websocket_that_is_never_read_is_ended_when_it_is_to_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordered_pings, "_CLOSE_SECONDS", SOON)

    async def main() -> None:
        config = uvicorn.Config(cast("Any", read_all), log_level="critical", log_config=None)
        socket = OrderedPings(config, ServerState(), {})
        transport = StuckTransport()
        socket.transport = cast("Any", transport)
        socket.pause_writing()
        await socket.send({"type": "websocket.close", "code": 1013})
        assert transport.was_aborted

    asyncio.run(main())
