"""Django answers in threads that stay, whole requests only, and each of them to its end."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from flowruns.web.threads import ThreadedHandler
from flowruns.web.types import Message

pytestmark = pytest.mark.django_db(transaction=True)
GONE: Message = {"type": "http.disconnect"}

_answered: list[bytes] = []


def answer(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    _answered.append(request.body)
    return HttpResponse(threading.current_thread().name, headers={"X-Body": str(request.body)})


def stream(_: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        for number in range(3):
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s", [number])
                yield str(cursor.fetchone()[0])

    return StreamingHttpResponse(parts())


urlpatterns = [path("answer", answer), path("stream", stream)]


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    _answered.clear()
    with override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        yield


def scope_of(address: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": address,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000),
    }


def body(part: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": part, "more_body": more}


async def ask(handler: ThreadedHandler, address: str, *messages: Message) -> list[Message]:
    coming, sent = iter(messages), []

    async def receive() -> Message:
        return next(coming)

    async def send(message: Any) -> None:
        sent.append(message)

    await handler(scope_of(address), receive, send)
    return sent


def read(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


def test_a_whole_request_is_answered_also_when_its_client_leaves_then() -> None:
    sent = asyncio.run(
        ask(ThreadedHandler(threads=1), "/answer", body(b"a", more=True), body(b"b"), GONE)
    )
    assert sent[0]["status"] == 200
    assert _answered == [b"ab"]


def test_half_a_request_is_not_answered() -> None:
    sent = asyncio.run(ask(ThreadedHandler(threads=1), "/answer", body(b"a", more=True), GONE))
    assert sent == []
    assert _answered == []


def test_threads_stay_for_the_next_requests() -> None:
    handler = ThreadedHandler(threads=2)

    async def ask_often() -> set[bytes]:
        return {read(await ask(handler, "/answer", body(b""))) for _ in range(10)}

    assert len(asyncio.run(ask_often())) <= 2


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators")
def test_what_is_made_while_it_is_sent_may_ask_the_database() -> None:
    sent = asyncio.run(ask(ThreadedHandler(threads=1), "/stream", body(b"")))
    assert read(sent) == b"012"
    assert sent[-1].get("more_body", False) is False
