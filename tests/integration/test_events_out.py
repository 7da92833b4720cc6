"""Events and log lines on their way to those who listen: none lost, none twice."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from flowruns.domain.actors import api_key
from flowruns.domain.states import State, StateType
from flowruns.pubsub import event_feed
from flowruns.pubsub.waiters import ask_database
from flowruns.services.api_keys import create_api_key
from flowruns.services.events.events import record_events
from flowruns.services.events.queries import read_events_after
from flowruns.services.runs.states import set_flow_run_state
from flowruns.web.sockets import events_out
from flowruns.wire.events import Event
from tests.integration.conftest import Make, Run
from tests.websockets import FakeSocket, play, until

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = api_key("elsewhere")


@pytest.fixture
def key(transactional_db: None) -> str:
    return create_api_key("listener", scopes=["resume"])


def make_event(number: int, *, name: str = "thing.happened", ago: float = 0) -> Event:
    return Event(
        id=uuid4(),
        occurred=datetime.now(UTC) - timedelta(seconds=ago),
        event=name,
        resource={"prefect.resource.id": f"thing.{number}", "kind": "thing"},
    )


def window() -> dict[str, str]:
    """The time that Prefect's client asks for: from a minute ago on."""
    now = datetime.now(UTC)
    since, until = now - timedelta(minutes=1), now + timedelta(days=365)
    return {"since": since.isoformat(), "until": until.isoformat()}


async def hear_numbers(socket: FakeSocket, count: int) -> list[int]:
    """Return the numbers of the next events, in the order in which they come."""
    heard = []
    for _ in range(count):
        message = await socket.hear_object()
        heard.append(int(message["event"]["resource"]["prefect.resource.id"].rpartition(".")[2]))
    return heard


async def until_listening(count: int = 1) -> None:
    await until(lambda: event_feed.events.count_listeners() >= count)


def store(*events: Event) -> None:
    record_events(events)


def finish(run: Run) -> None:
    set_flow_run_state(run.uuid, proposed=State(type=StateType.COMPLETED), actor=ACTOR)


def test_the_end_of_a_run_is_heard_by_who_waits_for_it(make_run: Make, key: str) -> None:
    run, other = make_run(), make_run()

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(
            key,
            occurred=window(),
            event={"prefix": ["prefect.flow-run"]},
            resource={"id": [f"prefect.flow-run.{run.id}"]},
        )
        before = [(await socket.hear_object())["event"]["event"] for _ in range(2)]
        assert before == ["prefect.flow-run.Pending", "prefect.flow-run.Running"]
        await until_listening()
        await ask_database(lambda: finish(other))
        await ask_database(lambda: finish(run))
        told = (await socket.hear_object())["event"]
        assert told["event"] == "prefect.flow-run.Completed"
        assert told["resource"]["prefect.state-type"] == "COMPLETED"
        assert "received" in told
        socket.leave()
        await task

    play(scenario())
    assert event_feed.events.count_listeners() == 0


def test_what_is_committed_while_the_past_is_read_comes_once(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second page of the past is read after an event of its time has been committed."""
    past = [make_event(number, ago=30 - number) for number in range(4)]
    late = [make_event(number, ago=30 - number) for number in (4, 5)]
    monkeypatch.setattr(events_out, "_PAGE", 2)
    read, pages = read_events_after, iter(late)

    def read_and_commit(*args: Any, **options: Any) -> Any:
        page = read(*args, **options)
        for event in pages:
            store(event)
            break
        return page

    monkeypatch.setattr(events_out, "read_events_after", read_and_commit)
    store(*past)

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(key, occurred=window())
        assert await hear_numbers(socket, 6) == [0, 1, 2, 3, 4, 5]
        await ask_database(lambda: store(make_event(6)))
        assert await hear_numbers(socket, 1) == [6]
        socket.leave()
        await task

    play(scenario())


def test_an_event_that_is_sent_twice_is_heard_once(key: str) -> None:
    first, second = make_event(1), make_event(2)

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(key, occurred=window())
        await until_listening()
        await ask_database(lambda: store(first))
        await ask_database(lambda: store(first, second))
        assert await hear_numbers(socket, 2) == [1, 2]
        socket.leave()
        await task

    play(scenario())


def test_the_past_is_left_out_where_it_is_not_wanted(key: str) -> None:
    store(make_event(1))

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.enter(key)
        socket.say_object(type="filter", backfill=False, filter={"occurred": window()})
        await until_listening()
        await ask_database(lambda: store(make_event(2)))
        assert await hear_numbers(socket, 1) == [2]
        socket.leave()
        await task

    play(scenario())


def test_nobody_looks_back_further_than_a_quarter_of_an_hour(key: str) -> None:
    store(make_event(1, ago=16 * 60), make_event(2, ago=14 * 60))
    since = {"occurred": window() | {"since": "2020-01-01T00:00:00Z"}}

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(key, **since)
        assert await hear_numbers(socket, 1) == [2]
        socket.leave()
        await task

    play(scenario())


def test_who_reads_too_slowly_is_sent_away_and_may_come_again(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feed, "_MOST_QUEUED", 50)

    async def scenario() -> None:
        slow, quick = FakeSocket("/api/events/out"), FakeSocket("/api/events/out")
        tasks = [slow.start(), quick.start()]
        for socket in (slow, quick):
            await socket.listen(key, occurred=window())
        await until_listening(2)
        slow.stop_reading()
        for start in range(0, 100, 20):
            batch = [make_event(number) for number in range(start, start + 20)]
            await ask_database(lambda some=batch: store(*some))  # type: ignore[misc]
            assert await hear_numbers(quick, 20) == list(range(start, start + 20))
        slow.read_again()
        assert (await slow.hear_the_end())[0] == 1013
        quick.leave()
        await asyncio.gather(*tasks)

    play(scenario())


def test_who_may_have_missed_something_is_asked_to_come_again(key: str) -> None:
    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(key, occurred=window())
        await until_listening()
        event_feed.events.interrupt()
        assert (await socket.hear_the_end())[0] == 1012
        await task

    play(scenario())


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "auth"}, "Expected 'filter' message"),
        ({"type": "filter"}, "Invalid filter:"),
        ({"type": "filter", "filter": {"evnt": {}}}, "Invalid filter: evnt"),
        ({"type": "filter", "filter": {"text": {}}}, "Invalid filter: text"),
        ({"type": "filter", "filter": {"event": {"name": "x"}}}, "Invalid filter: event.name"),
    ],
)
@pytest.mark.parametrize("path", ["/api/events/out", "/api/logs/out"])
def test_what_is_no_filter_is_named(
    key: str, path: str, message: dict[str, Any], reason: str
) -> None:
    async def scenario() -> None:
        socket = FakeSocket(path)
        task = socket.start()
        await socket.enter(key)
        socket.say_object(**message)
        code, told = await socket.hear_the_end()
        assert code == 1002
        assert path.startswith("/api/logs") or told.startswith(reason)
        await task

    play(scenario())


def test_lines_are_heard_as_they_are_logged(make_run: Make, key: str) -> None:
    run, other = make_run(), make_run()

    def log(about: Run, message: str, level: int = 20) -> None:
        now = datetime.now(UTC).isoformat()
        line = {"name": "x", "level": level, "message": message, "timestamp": now}
        assert run.api.post("/logs/", [line | {"flow_run_id": about.id}]).status_code == 201

    async def scenario() -> None:
        socket = FakeSocket("/api/logs/out")
        task = socket.start()
        await socket.listen(key, flow_run_id={"any_": [run.id]}, level={"ge_": 20})
        await until(lambda: event_feed.logs.count_listeners() == 1)
        await ask_database(lambda: log(other, "not mine"))
        await ask_database(lambda: log(run, "too quiet", 10))
        await ask_database(lambda: log(run, "hello"))
        message = await socket.hear_object()
        assert (message["type"], message["log"]["message"]) == ("log", "hello")
        assert UUID(message["log"]["flow_run_id"]) == run.uuid
        socket.leave()
        await task

    play(scenario())


def test_a_transaction_that_is_undone_is_not_heard(key: str) -> None:
    def undo() -> None:
        with transaction.atomic():
            store(make_event(1))
            transaction.set_rollback(True)

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(key, occurred=window())
        await until_listening()
        await ask_database(undo)
        await ask_database(lambda: store(make_event(2)))
        assert await hear_numbers(socket, 1) == [2]
        socket.leave()
        await task

    play(scenario())


@pytest.mark.slow
def test_five_hundred_listeners_need_no_threads(key: str) -> None:
    threads = threading.active_count()

    async def scenario() -> None:
        sockets = [FakeSocket("/api/events/out") for _ in range(500)]
        tasks = [socket.start() for socket in sockets]
        for socket in sockets:
            await socket.listen(key, occurred=window())
        await until_listening(500)
        await ask_database(lambda: store(make_event(7)))
        for socket in sockets:
            assert await hear_numbers(socket, 1) == [7]
            socket.leave()
        await asyncio.gather(*tasks)
        assert threading.active_count() <= threads + 6

    play(scenario())


def test_transactions_that_end_in_another_order_than_they_began_lose_nothing(key: str) -> None:
    """The first to begin is the last to commit, where the database lets two write at once."""
    second_is_done = threading.Event()

    def store_first() -> None:
        with transaction.atomic():
            store(make_event(1))
            second_is_done.wait(0.5)  # on SQLite, the second waits for the first

    def store_second() -> None:
        store(make_event(2))
        second_is_done.set()

    async def scenario() -> None:
        socket = FakeSocket("/api/events/out")
        task = socket.start()
        await socket.listen(key, occurred=window())
        await until_listening()
        first = asyncio.create_task(ask_database(store_first))
        await asyncio.sleep(0.1)
        await asyncio.gather(first, ask_database(store_second))
        assert sorted(await hear_numbers(socket, 2)) == [1, 2]
        await ask_database(lambda: store(make_event(3)))
        assert await hear_numbers(socket, 1) == [3]
        socket.leave()
        await task

    play(scenario())
