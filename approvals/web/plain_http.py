"""A server for https that is asked by plain http: said once, since its redirects may never end."""

import logging
from collections.abc import Callable
from itertools import count

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_log = logging.getLogger(__name__)
_asked = count()


type Answer = Callable[[HttpRequest], HttpResponse]


def watch_for_plain_http(get_response: Answer) -> Answer:
    """Look at each request, and answer it like whoever comes next."""

    def answer(request: HttpRequest) -> HttpResponse:
        _warn_of_plain_http(request)
        return get_response(request)

    return answer


def _warn_of_plain_http(request: HttpRequest) -> None:
    """Say once in this process that a request seems to come by http where https is meant."""
    if request.is_secure() or not settings.SECURE_SSL_REDIRECT:
        return
    if request.path_info.startswith("/api/") or _is_known_plain(request):
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
