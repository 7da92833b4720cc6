"""Django's middleware that pages alone need: requests of the API pass it by."""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponseBase
from django_htmx.middleware import HtmxMiddleware


def _for_pages(middleware: Any) -> Any:
    class ForPages(middleware):  # type: ignore[misc]  # whichever it is
        def __call__(self, request: HttpRequest) -> HttpResponseBase:
            if request.path_info.startswith("/api/"):
                answered: HttpResponseBase = self.get_response(request)
                return answered
            paged: HttpResponseBase = super().__call__(request)
            return paged

    return ForPages


Sessions = _for_pages(SessionMiddleware)
Users = _for_pages(AuthenticationMiddleware)
Messages = _for_pages(MessageMiddleware)
Htmx = _for_pages(HtmxMiddleware)
