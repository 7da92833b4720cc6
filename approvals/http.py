"""What all pages share: who may see them, in which time zone, and what survives a login."""

from collections.abc import Callable
from functools import lru_cache
from typing import Concatenate, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.middleware import HtmxDetails

type Fields = list[tuple[str, str]]

_SALT = "approvals.carried"
_ZONE_COOKIE = "timezone"
_MAX_CARRIED = 2_000_000  # characters; more is a file, which a browser has to send again


class Request(HttpRequest):
    """A request of a reviewer, or of nobody where the view says so."""

    user: User
    htmx: HtmxDetails


type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]
type ReviewerView[**P] = Callable[Concatenate[Request, P], HttpResponse]


def reviewers_only[**P](view: ReviewerView[P]) -> View[P]:
    """Let only those in who have logged in, and show them times in their own zone."""

    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        with timezone.override(_zone_of(request)):
            return view(cast("Request", request), *args, **kwargs)

    return never_cache(wrapped)


def fragment[**P](view: ReviewerView[P]) -> View[P]:
    """Mark a view as a part that an open page asks for; it tells the page that a session ended."""

    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            with timezone.override(_zone_of(request)):
                return view(cast("Request", request), *args, **kwargs)
        page = request.headers.get("HX-Current-URL", "")
        context = {"login_query": urlencode({"next": _path_of(page)})}
        response = render(request, "registration/logged_out_notice.html", context)
        response["HX-Retarget"], response["HX-Reswap"] = "#session-notice", "innerHTML"
        response.status_code = 286  # htmx stops polling
        return response

    return never_cache(wrapped)


def read_page_number(request: HttpRequest) -> int:
    """Return which page of a list an address asks for, the first where it says nothing sensible."""
    number = request.GET.get("page", "")
    return max(int(number), 1) if number.isdecimal() and len(number) < 8 else 1


def unchanged() -> HttpResponse:
    """Answer a poll that has nothing to tell."""
    return HttpResponse(status=204)


def seal(fields: Fields) -> str:
    """Sign what somebody typed, so that a page can carry it through a login."""
    if sum(len(name) + len(value) for name, value in fields) > _MAX_CARRIED:
        return ""
    return signing.dumps(fields, salt=_SALT, compress=True)


def unseal(carried: str) -> Fields | None:
    """Return what `seal` signed in the last day, or None."""
    try:
        fields = signing.loads(carried, salt=_SALT, max_age=24 * 60 * 60)
    except signing.BadSignature:
        return None
    return [(name, value) for name, value in fields]


def is_from_here(request: HttpRequest) -> bool:
    """Tell whether a browser says that one of our own pages sent this form."""
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    return f"{origin}/".startswith(f"{request.scheme}://{request.get_host()}/")


def _path_of(address: str) -> str:
    """Return an address of ours without scheme and host."""
    return "/" + address.partition("://")[2].partition("/")[2]


def _zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the zone that the browser told us in a cookie, or UTC."""
    return _find_zone(request.COOKIES.get(_ZONE_COOKIE, ""))


@lru_cache(maxsize=1_000)
def _find_zone(name: str) -> ZoneInfo:
    return ZoneInfo(name if name in available_timezones() else "UTC")
