"""A server for https that is asked by plain http: said once, since its redirects may never end."""

import logging
from collections.abc import Callable
from inspect import iscoroutinefunction
from itertools import count
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

_log = logging.getLogger(__name__)
_asked = count()


@sync_and_async_middleware
def watch_for_plain_http(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    """Look at each request, and answer it like whoever comes next."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponse:
            _warn_of_plain_http(request)
            response: HttpResponse = await get_response(request)
            return response

        return answer_later

    def answer(request: HttpRequest) -> HttpResponse:
        _warn_of_plain_http(request)
        response: HttpResponse = get_response(request)
        return response

    return answer


def _warn_of_plain_http(request: HttpRequest) -> None:
    """Say once in this process that a request seems to come by http where https is meant."""
    if request.is_secure() or not settings.SECURE_SSL_REDIRECT:
        return
    if request.path.startswith("/api/") or _is_known_plain(request):
        return
    if next(_asked) == 0:
        _log.warning(
            "A request for %s came by plain http and is redirected to https, for ever where it was"
            " https: the proxy must send X-Forwarded-Proto, and TRUST_PROXY must be true (it is"
            " %s).",
            request.path[:200],
            str(settings.TRUST_PROXY).lower(),
        )


def _is_known_plain(request: HttpRequest) -> bool:
    """Whether a trusted proxy says that the browser itself used http."""
    return bool(settings.TRUST_PROXY) and request.headers.get("X-Forwarded-Proto") == "http"
