"""Giving each request an id, and logging how it was answered where the settings ask for it."""

import logging
import time

from django.conf import settings

from flowruns.web.request_context import CONTEXT, in_request, read_context
from flowruns.web.types import Application, Message, Receive, Scope, Send

_log = logging.getLogger("approvals.access")


def log_requests(app: Application) -> Application:
    """Name each request in the log and in its answer (`X-Request-ID`)."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        context = scope[CONTEXT] = read_context(scope)
        header = (b"x-request-id", context.request_id.encode())

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        with in_request(context):
            try:
                await app(scope, receive, send_named)
            finally:
                if settings.ACCESS_LOG:
                    _note(scope, status, time.monotonic() - began)

    return application


def _note(scope: Scope, status: int, seconds: float) -> None:
    """Log one line; the query is left out, because it may hold what somebody searched for."""
    what = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "milliseconds": round(seconds * 1_000),
    }
    _log.info("%(method)s %(path)s %(status)s in %(milliseconds)s ms", what, extra=what)
