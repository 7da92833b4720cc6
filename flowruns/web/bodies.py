"""Bodies counted as they arrive: strangers may send little, and nobody without end.

Django keeps a body before it asks who sent it, and what is long on disk.
"""

from collections.abc import Mapping

from flowruns.web.types import Application, Message, Receive, Scope, Send, read_headers, refuse

# Bytes from somebody who shows neither key nor session; a log-in carries a typed form along.
STRANGERS = 4 * 1024 * 1024
# Bytes for the API, somewhat more than Django reads as JSON.
CALLERS = 20 * 1024 * 1024
# Bytes of a form, with its files.
REVIEWERS = 100 * 1024 * 1024

_TOO_LARGE = "The request is too large."
_ENDED = {"Connection": "close"}


def bound_bodies(app: Application) -> Application:
    """Answer 413 to whoever sends more than they may, and read no further."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        headers = read_headers(scope)
        most, seen, has_begun = _find_bound(scope["path"], headers), 0, False
        if headers.get("content-length", "").isdecimal() and int(headers["content-length"]) > most:
            await refuse(send, 413, _TOO_LARGE, _ENDED)
            return

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= most else {"type": "http.disconnect"}

        async def send_noted(message: Message) -> None:
            nonlocal has_begun
            if has_begun or seen <= most:
                has_begun = True
                await send(message)

        await app(scope, receive_counted, send_noted)
        if seen > most and not has_begun:
            await refuse(send, 413, _TOO_LARGE, _ENDED)

    return application


def _find_bound(path: str, headers: Mapping[str, str]) -> int:
    if path.startswith("/api/"):
        return CALLERS if "authorization" in headers else STRANGERS
    return REVIEWERS if "sessionid=" in headers.get("cookie", "") else STRANGERS
