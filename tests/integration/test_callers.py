"""Whose turn a request takes: that of a key or session which is valid, else of an address."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from flowruns.services.api_keys import create_api_key
from flowruns.web import callers
from flowruns.web.callers import IS_KNOWN, Callers
from flowruns.web.threads import ThreadedHandler
from flowruns.web.types import Message, Scope


def scope_of(path: str = "/", *, client: str = "192.0.2.1", **headers: str) -> Scope:
    named = {"host": "localhost", **headers}
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()],
        "client": (client, 5000),
        "server": ("127.0.0.1", 8000),
    }


def answer(scope: Scope) -> int:
    """Let Django answer, and return the status."""
    sent: list[Message] = []
    body: list[Message] = [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        return body.pop() if body else await asyncio.get_running_loop().create_future()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(ThreadedHandler(threads=1)(scope, receive, send))
    status: int = sent[0]["status"]
    return status


@pytest.mark.django_db(transaction=True)
def test_a_valid_key_is_known_and_no_other() -> None:
    key = create_api_key("robot", scopes=["flows"])
    for shown, path, status, is_known in (
        (key, "/api/nothing", 404, False),
        (key, "/api/variables/name/x", 404, True),
        ("made-up", "/api/variables/name/x", 401, False),
        ("made-up", "/api/hello", 200, False),
    ):
        scope = scope_of(path, authorization=f"Bearer {shown}")
        assert answer(scope) == status
        assert scope.get(IS_KNOWN, False) == is_known, (shown, path)


@pytest.mark.django_db(transaction=True)
def test_a_session_is_known_and_one_that_is_made_up_is_not() -> None:
    client = Client()
    client.force_login(User.objects.create_user("alice"))
    for session, status, is_known in (
        (client.cookies["sessionid"].value, 200, True),
        ("a" * 32, 302, False),
    ):
        scope = scope_of("/", cookie=f"theme=dark; sessionid={session}")
        assert answer(scope) == status
        assert scope.get(IS_KNOWN, False) == is_known


def test_who_was_known_once_is_told_from_the_others_of_an_address() -> None:
    known = Callers()
    mine, others = scope_of(authorization="Bearer mine"), scope_of(authorization="Bearer other")
    assert known.name(mine) == known.name(others) == "192.0.2.1"
    known.remember({**mine, IS_KNOWN: True})
    known.remember(others)
    assert known.name(mine) != known.name(others) == "192.0.2.1"


def test_who_was_known_longest_ago_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_MOST_KNOWN", 2)
    known = Callers()
    for name in ("a", "b", "a", "c"):
        known.remember({**scope_of(authorization=name), IS_KNOWN: True})
    names = [known.name(scope_of(authorization=name)) for name in ("a", "b", "c")]
    assert names == ["a", "192.0.2.1", "c"]


def test_an_address_is_the_one_that_a_trusted_proxy_names(settings: Any) -> None:
    forwarded = scope_of(client="127.0.0.1", x_forwarded_for="203.0.113.9, 192.0.2.7")
    assert Callers().name(forwarded) == "127.0.0.1"
    settings.TRUST_PROXY = True
    assert Callers().name(forwarded) == "192.0.2.7"
    nonsense = scope_of(client="127.0.0.1", x_forwarded_for="somebody")
    assert Callers().name(nonsense) == "127.0.0.1"


def test_all_addresses_of_a_customers_network_are_one() -> None:
    first, second, elsewhere = (
        Callers().name(scope_of(client=f"2001:db8:0:{net}::{host}"))
        for net, host in ((1, 1), (1, "ffff"), (2, 1))
    )
    assert first == second != elsewhere
