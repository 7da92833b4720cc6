"""Long polls, driven as an ASGI server drives it."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from flowruns.domain.actors import api_key
from flowruns.domain.states import running
from flowruns.models import FlowRun
from flowruns.pubsub import waiters
from flowruns.pubsub.listening import listen
from flowruns.pubsub.waiters import ask_database, count_waiters
from flowruns.services.api_keys import create_api_key
from flowruns.services.runs.states import set_flow_run_state
from flowruns.web.lifespan import STATES
from flowruns.web.long_poll import hold_requests
from flowruns.web.types import Message, Receive, Scope, Send
from flowruns.wire.headers import read_etag, read_wait
from tests.integration.conftest import Api, Make, Run

pytestmark = pytest.mark.django_db(transaction=True)
FOR_EVER = 60
SOMEBODY = api_key("somebody", may_resume=True)


class Exchange:
    """One request that may be held, and what the application behind it was asked."""

    def __init__(self, scope: Scope, body: bytes = b"") -> None:
        self.scope = scope
        self.body = body
        self.reached = False
        self.sent: list[Message] = []
        self.gone = asyncio.Event()
        self._body_read = False

    async def receive(self) -> Message:
        if not self._body_read:
            self._body_read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def application(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope is self.scope
        self.reached = True
        assert (await receive())["body"] == self.body
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"x"')]})

    def start(self) -> asyncio.Task[None]:
        app = hold_requests(self.application)
        return asyncio.create_task(app(self.scope, self.receive, self.send))  # type: ignore[arg-type]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


def get(run: Run, key: str, *, wait: float = FOR_EVER, **changes: Any) -> Scope:
    headers = {
        "authorization": f"Bearer {key}",
        "if-none-match": f'"{FlowRun.objects.get(pk=run.id).state_id}"',
        "prefer": f"wait={wait}",
    } | changes.pop("headers", {})
    return {
        "type": "http",
        "method": "GET",
        "path": f"/api/flow_runs/{run.id}",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        **changes,
    }


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- what is waited for knows nothing of events
            await asyncio.sleep(0.005)


@pytest.fixture
def key(db: None) -> str:
    return create_api_key("holder", scopes=["resume"])


def play(scenario: Awaitable[None]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(main())


def test_a_request_is_held_until_the_state_changes(run: Run, key: str) -> None:
    exchange = get(run, key)

    async def scenario() -> None:
        held = Exchange(exchange)
        task = held.start()
        await until(lambda: count_waiters() == 1)
        assert not held.reached
        change = partial(
            set_flow_run_state,
            run.uuid,
            proposed=running(),
            actor=SOMEBODY,
        )
        await ask_database(change)
        await task
        assert held.reached
        assert held.headers == {b"etag": b'"x"', b"preference-applied": b"wait=60"}

    play(scenario())
    assert count_waiters() == 0


def test_a_state_that_changed_before_the_request_is_answered_at_once(run: Run, key: str) -> None:
    stale = get(run, key)
    run.pause()

    async def scenario() -> None:
        held = Exchange(stale)
        await held.start()
        assert held.reached

    play(scenario())


def test_a_change_between_registering_and_reading_is_not_missed(
    run: Run, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = get(run, key)
    ask = waiters.ask_database

    async def change_first(question: Callable[[], Any]) -> Any:
        await ask(
            partial(
                set_flow_run_state,
                run.uuid,
                proposed=running(),
                actor=SOMEBODY,
            )
        )
        return await ask(question)

    monkeypatch.setattr("flowruns.web.long_poll.ask_database", change_first)

    async def scenario() -> None:
        held = Exchange(scope)
        await held.start()
        assert held.reached

    play(scenario())


@pytest.mark.slow
def test_patience_ends_and_the_state_is_said_to_be_the_same(run: Run, key: str) -> None:
    scope = get(run, key, wait=1)
    known = FlowRun.objects.get(pk=run.id).state_id

    async def scenario() -> None:
        held = Exchange(scope)
        started = time.monotonic()
        await held.start()
        assert time.monotonic() - started > 0.9
        assert not held.reached
        assert [message.get("status") for message in held.sent] == [304, None]
        assert held.headers == {b"etag": f'"{known}"'.encode(), b"preference-applied": b"wait=1"}

    play(scenario())


def leave(scope: Scope, body: bytes = b"") -> None:
    """Hold a request whose client leaves, and expect that nothing is left of it."""

    async def scenario() -> None:
        held = Exchange(scope, body)
        task = held.start()
        await until(lambda: count_waiters() == 1)
        held.gone.set()
        await task
        assert not held.reached
        assert not held.sent

    play(scenario())
    assert count_waiters() == 0


def test_a_client_that_leaves_is_forgotten(run: Run, key: str) -> None:
    leave(get(run, key))


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"authorization": "Bearer wrong"}},
        {"headers": {"authorization": ""}},
        {"headers": {"prefer": ""}},
        {"headers": {"prefer": "wait=0"}},
        {"headers": {"prefer": "respond-async"}},
        {"headers": {"if-none-match": ""}},
        {"headers": {"if-none-match": '"nonsense"'}},
        {"headers": {"if-none-match": f'"{uuid4()}"'}},
        {"method": "POST"},
        {"path": "/api/flow_runs/not-an-id"},
        {"path": f"/api/flow_runs/{uuid4()}"},
        {"path": "/api/flow_runs/------------------------------------"},
    ],
)
def test_nothing_else_is_held(run: Run, key: str, changes: dict[str, Any]) -> None:
    scope = get(run, key, **changes)

    async def scenario() -> None:
        held = Exchange(scope)
        await held.start()
        assert held.reached

    play(scenario())


@pytest.mark.slow
def test_two_hundred_waiters_hold_neither_threads_nor_connections(make_run: Make, key: str) -> None:
    runs = [make_run() for _ in range(20)]
    scopes = [get(run, key) for run in runs for _ in range(10)]
    connection.close()
    before = threading.active_count()

    async def scenario() -> None:
        held = [Exchange(scope) for scope in scopes]
        tasks = [exchange.start() for exchange in held]
        await until(lambda: count_waiters() == 200)
        assert threading.active_count() <= before + 4
        for run in runs:
            waiters.wake(run.uuid)
        await asyncio.gather(*tasks)
        assert all(exchange.reached for exchange in held)

    play(scenario())
    assert count_waiters() == 0


def test_late_word_of_the_state_that_is_known_wakes_nobody(run: Run, key: str) -> None:
    scope = get(run, key)
    known = FlowRun.objects.get(pk=run.id).state_id

    async def scenario() -> None:
        held = Exchange(scope)
        task = held.start()
        await until(lambda: count_waiters() == 1)
        waiters.wake(run.uuid, known)
        await asyncio.sleep(0.05)
        assert not held.reached
        waiters.wake(run.uuid, uuid4())
        await task

    play(scenario())


def test_who_has_waited_longest_is_woken_first(run: Run, key: str) -> None:
    scope = get(run, key)

    async def scenario() -> None:
        answered: list[int] = []
        tasks: list[asyncio.Task[None]] = []

        def note(number: int, _: asyncio.Task[None]) -> None:
            answered.append(number)

        for number in range(10):
            tasks.append(Exchange(dict(scope)).start())
            tasks[-1].add_done_callback(partial(note, number))
            await until(lambda: count_waiters() == len(tasks))
        await asyncio.sleep(0.1)  # all have asked what is true
        waiters.wake(run.uuid)
        await asyncio.gather(*tasks)
        assert answered == list(range(10))

    play(scenario())


def test_a_change_by_another_process_wakes_the_waiter(run: Run, key: str) -> None:
    """The change is committed past this process's own `wake`, as another process would."""
    scope = get(run, key)

    def change_silently() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transaction, "on_commit", lambda *_, **__: None)
            set_flow_run_state(run.uuid, proposed=running(), actor=SOMEBODY)

    async def scenario() -> None:
        hearing = asyncio.create_task(listen([STATES]))
        held = Exchange(scope)
        task = held.start()
        await until(lambda: count_waiters() == 1)
        # The listener has begun when it notices what it is told
        await ask_database(change_silently)
        await task
        assert held.reached
        hearing.cancel()

    play(scenario())


class Work:
    """A request for the scheduled runs of a deployment."""

    def __init__(self, api: Api, key: str) -> None:
        flow = json.loads(api.post("/flows/", {"name": "refund"}).content)
        body = {"name": "nightly", "flow_id": flow["id"]}
        self.id = json.loads(api.post("/deployments/", body).content)["id"]
        self.body = json.dumps({"deployment_ids": [self.id]}).encode()
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/deployments/get_scheduled_flow_runs",
            "headers": [(b"authorization", f"Bearer {key}".encode()), (b"prefer", b"wait=60")],
        }
        self._api = api

    def schedule(self, *, seconds: float = 0) -> None:
        due = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        path = f"/deployments/{self.id}/create_flow_run"
        assert self._api.post(path, {"state": state}).status_code == 201


def test_asking_for_work_is_held_until_there_is_some(api: Api, key: str) -> None:
    work = Work(api, key)

    async def scenario() -> None:
        held = Exchange(work.scope, work.body)
        task = held.start()
        await until(lambda: count_waiters() == 1)
        await ask_database(work.schedule)
        await task
        assert held.reached
        assert held.headers[b"preference-applied"] == b"wait=60"

    play(scenario())


def test_who_names_a_deployment_twice_is_held_too(api: Api, key: str) -> None:
    work = Work(api, key)
    body = json.dumps({"deployment_ids": [work.id, work.id]}).encode()

    async def scenario() -> None:
        held = Exchange(work.scope, body)
        task = held.start()
        await until(lambda: count_waiters() == 1)
        await ask_database(work.schedule)
        await task
        assert held.reached

    play(scenario())
    assert count_waiters() == 0


def test_who_waits_for_work_and_leaves_is_forgotten(api: Api, key: str) -> None:
    work = Work(api, key)
    leave(work.scope, work.body)


@pytest.mark.slow
def test_work_that_is_due_later_is_waited_for(api: Api, key: str) -> None:
    work = Work(api, key)
    work.schedule(seconds=1)

    async def scenario() -> None:
        started = time.monotonic()
        held = Exchange(work.scope, work.body)
        await held.start()
        assert held.reached
        assert time.monotonic() - started > 0.5

    play(scenario())


@pytest.mark.parametrize("body", [b"", b"{", b'{"deployment_ids": "x"}', b"x" * 200_000])
def test_a_malformed_question_for_work_is_not_held(api: Api, key: str, body: bytes) -> None:
    work = Work(api, key)

    async def scenario() -> None:
        held = Exchange(work.scope, body)
        await held.start()
        assert held.reached

    play(scenario())


def test_a_stranger_does_not_wait_for_work(api: Api) -> None:
    work = Work(api, "wrong")

    async def scenario() -> None:
        held = Exchange(work.scope, work.body)
        await held.start()
        assert held.reached

    play(scenario())


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=30", 30),
        ("respond-async, wait=10", 10),
        ("handling=lenient; wait = 5", 5),
        ("WAIT=7", 7),
        ("wait=600", 60),
        ("wait=-1", 0),
        ("wait=abc", 0),
        ("await=30", 0),
        ("", 0),
    ],
)
def test_the_preference_is_read_as_the_rfc_writes_it(prefer: str, seconds: int) -> None:
    assert read_wait(prefer) == seconds


def test_a_weak_tag_is_a_tag() -> None:
    state_id = uuid4()
    assert read_etag(f'W/"{state_id}"') == state_id
    assert read_etag(f'"{state_id}"') == state_id
    assert read_etag("*") is None


def test_the_application_answers_304_or_the_new_state(run: Run) -> None:
    etag = run.api.get(f"/flow_runs/{run.id}")["ETag"]
    assert UUID(etag.strip('"')) == UUID(run.read()["state_id"])
    same = run.api.get(f"/flow_runs/{run.id}", If_None_Match=etag)
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    run.pause()
    changed = run.api.get(f"/flow_runs/{run.id}", If_None_Match=etag)
    assert changed.status_code == 200
    assert changed["ETag"] != etag
