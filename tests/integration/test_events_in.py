"""Events that come in by websocket, and who may send them."""

import asyncio
import json
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError

from flowruns import models
from flowruns.models import ApiKey, TaskRun
from flowruns.pubsub.waiters import ask_database
from flowruns.services.api_keys import create_api_key, revoke_api_keys
from flowruns.services.events import events as services
from flowruns.web.sockets import handshake, recording, revocation
from tests.task_run_events import task_run_event
from tests.websockets import FakeSocket, play, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(transactional_db: None) -> str:
    return create_api_key("flows", scopes=["flows"])


async def until_stored(count: int) -> None:
    async with asyncio.timeout(10):
        while await ask_database(models.Event.objects.count) < count:  # noqa: ASYNC110 -- rows in a table
            await asyncio.sleep(0.01)


def test_events_are_stored_with_the_task_runs_that_they_report(key: str) -> None:
    task_run_id = uuid4()

    async def scenario() -> None:
        socket = FakeSocket("/api/events/in")
        task = socket.start()
        await socket.enter(key)
        for second, state in enumerate(("PENDING", "RUNNING", "COMPLETED")):
            socket.say_object(**task_run_event(task_run_id, state=state, seconds=second))
        await until_stored(3)
        socket.leave()
        await task

    play(scenario())
    assert TaskRun.objects.get(pk=task_run_id).state_name == "Completed"


BAD: list[str | bytes] = [
    "",
    "{",
    "null",
    "[]",
    "[" * 100_000,
    '{"event": 1}',
    '"\\ud800"',
    b"\xff\xfe",
    json.dumps(task_run_event() | {"resource": {}}),
    json.dumps(task_run_event() | {"payload": {"x": "y" * 2_000_000}}),
    json.dumps(task_run_event() | {"occurred": "0001-01-01T00:00:00+23:59"}),
    json.dumps(task_run_event() | {"id": None}),
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_what_is_no_event_leaves_the_connection_alone(key: str, bad: str | bytes) -> None:
    async def scenario() -> None:
        socket = FakeSocket("/api/events/in")
        task = socket.start()
        await socket.enter(key)
        socket.say(bad)
        socket.say_object(**task_run_event())
        await until_stored(1)
        assert not task.done()
        socket.leave()
        await task

    play(scenario())
    assert models.Event.objects.count() == 1


def test_numbers_that_json_does_not_have_are_stored_as_null(key: str) -> None:
    event = task_run_event() | {"payload": {"loss": float("nan"), "best": [float("-inf"), 1.5]}}

    async def scenario() -> None:
        socket = FakeSocket("/api/events/in")
        task = socket.start()
        await socket.enter(key)
        socket.say(json.dumps(event))
        await until_stored(1)
        socket.leave()
        await task

    play(scenario())
    assert models.Event.objects.get().payload == {"loss": None, "best": [None, 1.5]}


@pytest.mark.slow
def test_a_flood_is_stored_to_the_last_event(key: str) -> None:
    async def scenario() -> None:
        sockets = [FakeSocket("/api/events/in") for _ in range(5)]
        tasks = [socket.start() for socket in sockets]
        for socket in sockets:
            await socket.enter(key)
            for _ in range(400):
                socket.say_object(**task_run_event())
            socket.leave()
        await asyncio.gather(*tasks)
        await until_stored(2_000)

    play(scenario())


def test_a_ping_is_answered_when_all_before_it_is_stored(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_store, record = Event(), services.record_events

    def record_when_told(batch: Any) -> None:
        assert may_store.wait(10)
        record(batch)

    monkeypatch.setattr(services, "record_events", record_when_told)

    async def scenario() -> None:
        socket = FakeSocket("/api/events/in")
        task = socket.start()
        await socket.enter(key)
        for _ in range(300):
            socket.say_object(**task_run_event())
        socket.ping()
        await until(lambda: socket.is_idle)
        may_store.set()
        assert await socket.hear() == {"type": "websocket.pong", "bytes": b"ping"}
        assert await ask_database(models.Event.objects.count) == 300
        socket.leave()
        await task

    play(scenario())


def test_events_wait_for_a_database_that_is_away(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record, failures = services.record_events, iter([OperationalError("away")] * 2)

    def record_at_last(batch: Any) -> None:
        for failure in failures:
            raise failure
        record(batch)

    monkeypatch.setattr(services, "record_events", record_at_last)
    monkeypatch.setattr(recording, "_AWAY_SECONDS", 0.01)

    async def scenario() -> None:
        socket = FakeSocket("/api/events/in")
        task = socket.start()
        await socket.enter(key)
        socket.say_object(**task_run_event())
        await until_stored(1)
        socket.leave()
        await task

    play(scenario())


def refused(socket: FakeSocket, **auth: Any) -> tuple[int, str]:
    """Return how the server refuses a socket after its first message."""
    end: list[tuple[int, str]] = []

    async def scenario() -> None:
        task = socket.start()
        assert (await socket.hear())["type"] == "websocket.accept"
        socket.say_object(**{"type": "auth", **auth})
        end.append(await socket.hear_the_end())
        await task

    play(scenario())
    return end[0]


def test_a_wrong_key_is_refused_with_a_reason_that_the_client_shows(key: str) -> None:
    for token in ("wrong", key + "x", key[:-1]):
        code, reason = refused(FakeSocket("/api/events/in"), token=token)
        assert (code, reason[:13]) == (1008, "Invalid token")


def test_a_revoked_key_is_refused(key: str) -> None:
    revoke_api_keys(ApiKey.objects.all())
    assert refused(FakeSocket("/api/events/in"), token=key)[0] == 1008


@pytest.mark.parametrize("path", ["/api/events/in", "/api/events/out", "/api/logs/out"])
def test_a_key_that_is_revoked_closes_its_open_sockets_only(
    key: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "CHECK_SECONDS", 0.01)
    other = create_api_key("other", scopes=["flows"])

    async def scenario() -> None:
        checking = asyncio.create_task(revocation.watch_keys())
        revoked, valid = FakeSocket(path), FakeSocket("/api/events/in")
        tasks = [socket.start() for socket in (revoked, valid)]
        await revoked.enter(key)
        await valid.enter(other)
        if path != "/api/events/in":
            revoked.say_object(type="filter", filter={})
        await ask_database(lambda: revoke_api_keys(ApiKey.objects.filter(name="flows")))
        assert await revoked.hear_the_end() == (1008, "This API key was revoked.")
        await tasks[0]
        valid.say_object(**task_run_event())
        await until_stored(1)
        valid.leave()
        await tasks[1]
        checking.cancel()

    play(scenario())


def test_without_a_key_a_stranger_hears_which_variable_to_set(key: str) -> None:
    code, reason = refused(FakeSocket("/api/events/in"), token=None)
    assert (code, reason) == (1008, "No API key: set PREFECT_API_AUTH_STRING to it.")


def test_a_key_that_only_answers_sends_no_events(key: str) -> None:
    answers = create_api_key("answers", scopes=["resume"])
    code, reason = refused(FakeSocket("/api/events/in"), token=answers)
    assert (code, reason) == (1008, "The API key lacks the scope: flows.")


def test_the_first_message_is_the_key(key: str) -> None:
    assert refused(FakeSocket("/api/events/in"), type="event") == (1008, "Expected 'auth' message")


@pytest.mark.parametrize("headers", [{}, {"x_forwarded_for": "192.0.2.7"}, {"via": "1.1 proxy"}])
def test_only_a_process_of_the_same_user_needs_no_key_where_that_is_set(
    key: str, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SAME_USER_NEEDS_NO_KEY = True
    monkeypatch.setattr(handshake, "belongs_to_our_user", lambda *_: True)
    socket = FakeSocket("/api/events/in", **headers)
    if headers:  # a proxy on this machine speaks for anybody
        assert refused(socket, token=None)[0] == 1008
        return

    async def scenario() -> None:
        task = socket.start()
        await socket.enter(None)
        socket.leave()
        await task

    play(scenario())


def test_everybody_else_shows_a_key_also_a_process_of_the_same_user(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be one that forwards connections of others."""
    monkeypatch.setattr(handshake, "belongs_to_our_user", lambda *_: True)
    assert refused(FakeSocket("/api/events/in"), token=None)[0] == 1008


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer {}"])
def test_a_client_that_sends_the_key_as_a_header_needs_no_handshake(key: str, scheme: str) -> None:
    async def scenario() -> None:
        socket = FakeSocket("/api/events/in", subprotocol=None, authorization=scheme.format(key))
        task = socket.start()
        assert (await socket.hear())["subprotocol"] is None
        socket.say_object(**task_run_event())
        await until_stored(1)
        socket.leave()
        await task

    play(scenario())


@pytest.mark.parametrize("path", ["/api/events/in", "/api/nothing", "/"])
def test_browsers_and_unknown_paths_are_refused_at_the_door(key: str, path: str) -> None:
    headers = {"origin": "https://elsewhere.example"} if path == "/api/events/in" else {}

    async def scenario() -> None:
        socket = FakeSocket(path, **headers)
        task = socket.start()
        assert (await socket.hear())["type"] == "websocket.close"
        await task

    play(scenario())
