"""What all pages share: who may see them, in which time zone, and what survives a login."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Concatenate, cast
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import get_script_prefix
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django_htmx.middleware import HtmxDetails

type Fields = list[tuple[str, str]]

_SALT = "approvals.carried"
_ZONE_COOKIE = "timezone"
_MAX_CARRIED = 2_000_000  # characters; more is a file, which a browser has to send again


_BACK = "back"
_LISTS = {"": "Inbox", "history/": "History"}
_APPROVAL = re.compile(r"approvals/[0-9a-f-]{36}/")
_LINES_AT_ONCE = 200


class Request(HttpRequest):
    """A request of a reviewer, or of nobody where the view says so."""

    user: User
    htmx: HtmxDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """The page to go back to; `query` is what a link says to keep it."""

    address: str
    name: str
    query: str


type View[**P, R] = Callable[Concatenate[HttpRequest, P], R]
type ReviewerView[**P, R] = Callable[Concatenate[Request, P], R]


def reviewers_only[**P, R: HttpResponseBase](
    view: ReviewerView[P, R],
) -> View[P, R | HttpResponse]:
    """Let only those in who have logged in, and show them times in their own zone."""

    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        with timezone.override(_zone_of(request)):
            return view(cast("Request", request), *args, **kwargs)

    return never_cache(wrapped)


def fragment[**P](view: ReviewerView[P, HttpResponse]) -> View[P, HttpResponse]:
    """Mark a view as a part that an open page asks for; it tells the page that a session ended."""

    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            with timezone.override(_zone_of(request)):
                return view(cast("Request", request), *args, **kwargs)
        page = request.headers.get("HX-Current-URL", "")
        context = {"login_query": urlencode({"next": _path_of(page)})}
        response = render(request, "registration/logged_out_notice.html", context)
        response["HX-Retarget"], response["HX-Reswap"] = "#session-notice", "innerHTML"
        response.status_code = 401  # the page goes on asking, and so learns of the next login
        return response

    return never_cache(wrapped)


def read_page_number(request: HttpRequest) -> int:
    """Return which page of a list an address asks for, the first where it says nothing sensible."""
    number = request.GET.get("page", "")
    return max(int(number), 1) if number.isdecimal() and len(number) < 8 else 1


def write_place(place: tuple[datetime, UUID]) -> str:
    """Return what an address says of the last entry that a list has shown."""
    moment, identifier = place
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}_{identifier}"


def read_place(request: HttpRequest) -> tuple[datetime, UUID] | None:
    """Return where the page before ended; what is no such place is the beginning."""
    moment, _, identifier = request.GET.get("before", "").partition("_")
    try:
        return datetime.fromisoformat(f"{moment}+00:00"), UUID(identifier)
    except ValueError:
        return None


def back_query(address: str) -> str:
    """Return what to append to a link so that its page leads back to the one at `address`."""
    return f"?{urlencode({_BACK: address})}"


def read_back(request: HttpRequest) -> Back:
    """Return the page that one was opened from, the inbox where an address says none of ours."""
    address = request.GET.get(_BACK, "")
    root, path = get_script_prefix(), address.partition("?")[0]
    page = path.removeprefix(root)
    name = "The approval" if _APPROVAL.fullmatch(page) else _LISTS.get(page)
    if name is None or not path.startswith(root):
        return Back(address=root, name="Inbox", query="")
    return Back(address=address, name=name, query=back_query(address))


def stream(request: HttpRequest, lines: Iterator[str]) -> Iterator[str] | AsyncIterator[str]:
    """Return `lines` as the server that answers can take them, without holding up others."""
    return _step_aside(lines) if isinstance(request, ASGIRequest) else lines


async def _step_aside(lines: Iterator[str]) -> AsyncIterator[str]:
    while part := await sync_to_async(lambda: "".join(islice(lines, _LINES_AT_ONCE)))():
        yield part


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
    """Return whether a browser says that one of our own pages sent this form."""
    origin = request.headers.get("Origin") or request.headers.get("Referer", "")
    return f"{origin}/".startswith(f"{request.scheme}://{request.get_host()}/")


def _path_of(address: str) -> str:
    """Return an address of ours without scheme and host."""
    return "/" + address.partition("://")[2].partition("/")[2]


def _zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the zone that the browser told us in a cookie, or UTC."""
    return _find_zone(request.COOKIES.get(_ZONE_COOKIE, ""))


@lru_cache(maxsize=1)
def list_zones() -> tuple[str, ...]:
    """Return the time zones that people choose from."""
    return tuple(sorted(available_timezones()))


@lru_cache(maxsize=1_000)
def _find_zone(name: str) -> ZoneInfo:
    return ZoneInfo(name if name in available_timezones() else "UTC")
