"""Every way into the server, found in its routes, and who is let in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import UUID

from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from approvals.messages.slack_buttons import PRESSES
from approvals.messages.slack_windows import WINDOWS
from flowruns.models import ApiKey
from flowruns.services.api_keys import create_api_key, revoke_api_keys
from flowruns.web.sockets import PATHS

TABLE = Path(__file__).parent / "data" / "doors.txt"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OF_PAGES = ("GET", "POST")
KEYS = ("flows", "resume", "both", "desk", "revoked")
CALLERS = ("nobody", *KEYS, "reviewer", "foreign session", "superuser")
# Who is let in by what a row of the table says
LET_IN = {
    "open": set(CALLERS),
    "flows": {"flows", "both"},
    "readers": {"flows", "resume", "both"},
    "resume": {"resume", "both"},
    "desk": {"desk"},
    "reviewers": {"reviewer", "superuser"},
    "staff": {"superuser"},
    "shut": set(),
}
_SCOPES = {name: [name] for name in ("flows", "resume", "desk")} | {"both": ["flows", "resume"]}
_SCOPES["revoked"] = _SCOPES["both"]
_NO_ONE = UUID("00000000-0000-4000-8000-000000000000")
_LOGIN = re.compile(r"/login/\?next=")


@dataclass(frozen=True, order=True)
class Door:
    """A method and a route as it is written.

    Or WS and the path of a websocket, or SLACK and what is pressed there.
    """

    route: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def path(self) -> str:
        """An address of that route, of things that are not there."""
        path = re.sub(r"<uuid(str)?:\w+>", str(_NO_ONE), self.route)
        path = re.sub(r"\(\?P<app_label>[^)]*\)", "auth", path)
        path = re.sub(r"\(\?P<url>[^)]*\)", "nothing", path)
        return re.sub(r"<[^>]+>", "1", path).replace("^", "").replace("$", "")


def read_table() -> dict[str, set[str]]:
    """Return who is let in by each door, as the table says."""
    rows = [line.split(" ", 1) for line in TABLE.read_text().splitlines()]
    return {door: LET_IN[kind] for kind, door in rows}


@cache
def find_doors() -> tuple[Door, ...]:
    """Return every method that any route answers; the same whoever asks."""
    stranger = Client(raise_request_exception=False)
    routes = sorted({f"/{route}" for route in _routes()})
    doors = [Door(route, method) for route in routes for method in _methods(route)]
    return tuple(door for door in doors if _ask(stranger, door).status_code != 405)


def _methods(route: str) -> tuple[str, ...]:
    return METHODS if route.startswith("/api") else OF_PAGES


def read_doors() -> list[Door]:
    """Return the doors of the table, which a test holds against the routes."""
    rows = (line.split(" ") for line in TABLE.read_text().splitlines())
    return [Door(route, method) for _, method, route in rows if method in METHODS]


def find_slack() -> list[Door]:
    """Return what can be pressed and sent in Slack: the very tables by which the desk takes it."""
    presses = [Door(f"press/{name}", "SLACK") for name in PRESSES]
    return presses + [Door(f"window/{name}", "SLACK") for name in WINDOWS]


def find_sockets() -> list[Door]:
    return [Door(path, "WS") for path in PATHS]


def _routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _routes(pattern, route)


def make_key(caller: str) -> str:
    """Return the API key of a caller, "" where it has none."""
    if caller not in KEYS:
        return ""
    owner = User.objects.create_user("carol") if caller == "desk" else None
    key = create_api_key(caller, scopes=_SCOPES[caller], owner=owner)
    if caller == "revoked":
        revoke_api_keys(ApiKey.objects.filter(name=caller))
    return key


class Caller:
    """Somebody at the doors that speak HTTP."""

    def __init__(self, name: str) -> None:
        key = make_key(name)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = Client(headers=headers, raise_request_exception=False)
        self._user: User | None = None
        if name == "reviewer":
            self._user = User.objects.create_user("alice")
        if name == "superuser":
            self._user = User.objects.create_superuser("root")
        if name == "foreign session":
            self._client.cookies["sessionid"] = "o" * 32

    def comes_in(self, door: Door) -> bool:
        """Whether the door opens; it must never break."""
        if self._user is not None and not self._client.session.get("_auth_user_id"):
            # At first, and after the door of the logout
            self._client.force_login(self._user, "django.contrib.auth.backends.ModelBackend")
        response = _ask(self._client, door)
        assert response.status_code < 500, door
        if response.status_code in {401, 403}:
            return False
        return not _LOGIN.search(response.headers.get("Location", ""))


def _ask(client: Client, door: Door) -> HttpResponseBase:
    if door.path.startswith("/api"):
        return client.generic(door.method, door.path, "{}", content_type="application/json")
    return client.generic(door.method, door.path)
