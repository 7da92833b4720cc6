"""The API needs no session, user, message or htmx; pages do."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

pytestmark = pytest.mark.django_db
NAMES = ("session", "user", "_messages", "htmx")

_seen: list[set[str]] = []


def note(request: HttpRequest) -> HttpResponse:
    _seen.append({name for name in NAMES if hasattr(request, name)})
    return HttpResponse()


urlpatterns: list[Any] = [path("api/note", note), path("apiary", note), path("note", note)]


def test_the_middleware_of_pages_is_for_pages() -> None:
    _seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        for address in ("/api/note", "/apiary", "/note"):
            assert Client().get(address).status_code == 200
    assert _seen == [set(), set(NAMES), set(NAMES)]


def test_answers_of_the_api_keep_what_they_say_to_browsers() -> None:
    answer = Client().get("/api/hello")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
