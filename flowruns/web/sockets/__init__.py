"""Websockets of Prefect's API: events in and out, and log lines out.

A layer of the ASGI application: each socket is a task in the event loop, without a thread or a
database connection of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from flowruns.web.sockets.connection import Socket, SocketClosed
from flowruns.web.sockets.events_in import take_events
from flowruns.web.sockets.events_out import send_events
from flowruns.web.sockets.handshake import authenticate
from flowruns.web.sockets.logs_out import send_logs
from flowruns.web.sockets.revocation import close_when_revoked
from flowruns.web.types import Application, Receive, Scope, Send, refuse

PATHS = {
    "/api/events/in": take_events,
    "/api/events/out": send_events,
    "/api/logs/out": send_logs,
}

_REMEDY = (
    "This address is for websockets, and the request came without the headers that ask for one. A"
    " proxy in front of this server has to pass them on; for nginx: proxy_http_version 1.1;"
    ' proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
)


def serve_sockets(app: Application) -> Application:
    """Answer websockets, which Django's application does not know."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") in PATHS:
            await _ask_to_upgrade(send)
            return
        if scope["type"] != "websocket":
            await app(scope, receive, send)
            return
        socket = Socket(scope, receive, send)
        try:
            await _serve(socket)
        except SocketClosed:
            return

    return application


async def _ask_to_upgrade(send: Send) -> None:
    """Answer what should have been a websocket, and a proxy has made into something else."""
    await refuse(send, 426, _REMEDY, {"Upgrade": "websocket", "Connection": "upgrade"})


async def _serve(socket: Socket) -> None:
    serve = PATHS.get(socket.path)
    if serve is None:
        await socket.refuse()
    elif await authenticate(socket):
        await _serve_until_revoked(socket, serve)


async def _serve_until_revoked(socket: Socket, serve: Callable[[Socket], Awaitable[None]]) -> None:
    serving = asyncio.ensure_future(serve(socket))
    closing = asyncio.create_task(close_when_revoked(socket))
    try:
        await asyncio.wait({serving, closing}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
    finally:
        for task in (serving, closing):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
