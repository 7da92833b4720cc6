"""Who sends a request, as far as its turn goes: a key or a session that was valid lately.

Whoever has neither is known by the address, since anybody can make up keys and sessions, as many
as there are turns.
"""

from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from flowruns.web.types import Scope, read_headers

# Says in a scope that its key or session was found valid.
IS_KNOWN = "approvals.is_known"
_MOST_KNOWN = 20_000
_SESSION = "sessionid="
_NETWORK_BITS = 64  # of an address of version 6; one customer has them all

type Answer = Callable[[HttpRequest], HttpResponse]


class Callers:
    """Tells callers apart, and remembers those who showed something valid last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()

    def name(self, scope: Scope) -> str:
        """Return what a request's sender is known by."""
        shown = _read_credential(scope)
        return shown if shown in self._known else _read_address(scope)

    def remember(self, scope: Scope) -> None:
        """Know the sender again, where the application has found that it is who it says."""
        shown = _read_credential(scope)
        if not shown or not scope.get(IS_KNOWN):
            return
        self._known[shown] = None
        self._known.move_to_end(shown)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def _read_credential(scope: Scope) -> str:
    headers = read_headers(scope)
    if authorization := headers.get("authorization"):
        return authorization
    cookies = (cookie.strip() for cookie in headers.get("cookie", "").split(";"))
    return next((cookie for cookie in cookies if cookie.startswith(_SESSION)), "")


def _read_address(scope: Scope) -> str:
    """Return the sender's address, behind a trusted proxy the one that it names."""
    peer = str((scope.get("client") or ("",))[0])
    named = read_headers(scope).get("x-forwarded-for", "") if settings.TRUST_PROXY else ""
    try:
        address = ip_address(named.rpartition(",")[2].strip() or peer)
    except ValueError:
        return peer
    if isinstance(address, IPv6Address):
        return str(int(address) >> _NETWORK_BITS)
    return str(address)


def note_callers(get_response: Answer) -> Answer:
    """Say in the scope of a request that its key, or its session, was found valid."""
    return lambda request: _note(request, get_response(request))


def _note(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    # A page that has not asked who its reader is has answered whoever came
    user: Any = getattr(request, "_cached_user", None)
    if getattr(request, "auth", None) or getattr(user, "is_authenticated", False):
        getattr(request, "scope", {})[IS_KNOWN] = True
    return response
