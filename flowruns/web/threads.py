"""Django answering in threads that stay, each with a database connection of its own.

Django's ASGI handler goes to and fro between the event loop and a thread that it starts for the
request, and ends with its connection; that takes longer than most answers. Here a request goes to
a thread once, through Django's synchronous middleware, and its answer comes back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import IO, Any, cast

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import connections
from django.http import HttpRequest, HttpResponseBase
from django.urls import set_script_prefix

from flowruns.models.connections import let_connections_go
from flowruns.web.callers import IS_KNOWN
from flowruns.web.mounting import to_whole
from flowruns.web.types import Scope

type Shortcut = Callable[[Scope, bytes], HttpResponseBase | None]

# Bytes; what is longer, Django reads within its bounds
_SHORT_BODY = 256 * 1024


class ThreadedHandler(ASGIHandler):
    """Django as an ASGI application that answers so many requests at once.

    A request whose client leaves meanwhile is answered to its end. `shortcut` may answer a short
    one of a valid key in the place of Django.
    """

    def __init__(self, threads: int, *, shortcut: Shortcut | None = None) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._shortcut = shortcut
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="requests")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            loop = asyncio.get_running_loop()
            answer = copy_context().run  # the thread's log names the request, too
            response = await loop.run_in_executor(self._threads, answer, self._answer, scope, body)
            if not response.streaming:
                await self.send_response(response, send)
                return
            # What is made while it is sent has a thread of its own, which ends with it
            async with ThreadSensitiveContext():
                try:
                    await self.send_response(response, send)
                finally:
                    await sync_to_async(_end)(response)

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """Return the whole answer; of one that is streamed only how it begins."""
        try:
            return self._answer_shortly(scope, body) or self._answer_by_django(scope, body)
        finally:
            let_connections_go()

    def _answer_shortly(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase | None:
        if self._shortcut is None:
            return None
        content = body.read(_SHORT_BODY + 1)
        body.seek(0)
        response = self._shortcut(scope, content) if len(content) <= _SHORT_BODY else None
        scope[IS_KNOWN] = response is not None and response.status_code < 400
        return response

    def _answer_by_django(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(to_whole(scope), body)
        response = refusal or self.get_response(cast("HttpRequest", request))
        if not response.streaming:
            response.close()
        return response


def _end(response: HttpResponseBase) -> None:
    response.close()
    connections.close_all()
