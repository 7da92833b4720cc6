"""Functions that yield are flows and tasks: their bodies run within the run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from flowruns import State, apause_flow_run, flow, pause_flow_run, task
from flowruns.exceptions import FlowRunTimeoutError
from flowruns.sdk import storage
from flowruns.sdk.context import current_flow_run
from flowruns.testing import FakeServer, reviewed_by
from tests.served_runs import Served


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    storage._open.cache_clear()
    with reviewed_by(lambda _: {"value": 7}) as fake:
        yield fake


async def take(items: Any) -> list[Any]:
    return [item async for item in items]


def names(server: FakeServer) -> list[str]:
    return server.run.names


def test_a_flow_that_yields_runs_as_far_as_its_items_are_taken(server: FakeServer) -> None:
    @flow
    def counting() -> Iterator[Any]:
        yield 1
        yield pause_flow_run(int)

    items = counting()
    assert server.runs == {}
    assert next(items) == 1
    assert names(server) == ["Pending", "Running"]
    assert current_flow_run() is None
    assert list(items) == [7]
    assert names(server) == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_an_async_flow_that_yields_runs_as_far_as_its_items_are_taken(server: FakeServer) -> None:
    @flow
    async def counting() -> AsyncIterator[Any]:
        yield 1
        yield await apause_flow_run(int)

    async def main() -> None:
        items: Any = counting()
        assert await anext(items) == 1
        assert names(server) == ["Pending", "Running"]
        assert current_flow_run() is None
        assert await take(items) == [7]

    asyncio.run(main())
    assert names(server) == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_the_failure_of_a_body_is_that_of_its_run(server: FakeServer) -> None:
    failed: list[Any] = []

    @flow(on_failure=[lambda *given: failed.append(given[2].name)])
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("after one")

    items = failing()
    assert next(items) == 1
    with pytest.raises(ValueError, match="after one"):
        next(items)
    assert (names(server)[-1], failed) == ("Failed", ["Failed"])


def test_the_failure_of_an_async_body_is_that_of_its_run(server: FakeServer) -> None:
    @flow
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("after one")

    with pytest.raises(ValueError, match="after one"):
        asyncio.run(take(failing()))
    assert names(server)[-1] == "Failed"


def test_a_flow_that_yields_is_tried_again_from_the_top(server: FakeServer) -> None:
    tries: list[int] = []

    @flow(retries=1)
    def trying() -> Iterator[int]:
        tries.append(1)
        yield len(tries)
        if len(tries) == 1:
            raise ValueError("once")
        yield 20

    assert list(trying()) == [1, 2, 20]
    assert names(server) == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]


def test_the_time_of_who_takes_the_items_does_not_count(server: FakeServer) -> None:
    @flow(timeout_seconds=0.2)
    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.sleep(60)

    async def main() -> None:
        items: Any = endless()
        await anext(items)
        await asyncio.sleep(0.3)
        assert names(server) == ["Pending", "Running"]
        await anext(items)

    with pytest.raises(FlowRunTimeoutError):
        asyncio.run(main())
    assert names(server)[-1] == "TimedOut"


def test_what_is_sent_and_thrown_reaches_the_body() -> None:
    @flow
    def talking() -> Iterator[Any]:
        heard = yield "who?"
        try:
            yield f"hello {heard}"
        except KeyError as error:
            yield f"caught {error}"

    items: Any = talking()
    assert next(items) == "who?"
    assert items.send("Ada") == "hello Ada"
    assert items.throw(KeyError("x")) == "caught 'x'"
    assert list(items) == []


def test_a_run_whose_items_nobody_takes_any_more_is_completed(server: FakeServer) -> None:
    closed: list[str] = []

    @flow
    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append("sync")

    @flow
    async def aendless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append("async")

    async def main() -> None:
        items: Any = aendless()
        assert await anext(items) == 1
        await items.aclose()

    assert list(islice(endless(), 3)) == [1, 1, 1]
    asyncio.run(main())
    assert closed == ["sync", "async"]
    assert [run.names[-1] for run in server.runs.values()] == ["Completed", "Completed"]


def test_a_task_that_yields_is_taken_item_by_item_or_submitted_as_a_whole() -> None:
    @task(retries=1)
    def counting(most: int) -> Iterator[int]:
        assert current_flow_run() is not None
        yield from range(most)

    @task
    async def acounting(most: int) -> AsyncIterator[int]:
        for number in range(most):
            yield number

    @flow
    async def main() -> list[Any]:
        taken = [*counting(2)]
        whole: Any = counting.submit(3)
        awhole: Any = acounting.submit(3)
        return [taken, await take(acounting(2)), whole.result(), awhole.result()]

    assert asyncio.run(main()) == [[0, 1], [0, 1], [0, 1, 2], [0, 1, 2]]


def test_a_stored_task_that_yields_is_executed_once_and_yields_again() -> None:
    executed: list[int] = []

    @task
    def counting() -> Iterator[int]:
        executed.append(1)
        yield from (1, 2)

    @flow(persist_result=True)
    def main() -> list[int]:
        return [*counting(), *counting()]

    assert main() == [1, 2, 1, 2]
    assert executed == [1]


def test_what_is_made_of_items_is_stored_before_the_next_item_is_taken(tmp_path: Path) -> None:
    stored: list[int] = []

    @task(persist_result=False)
    def counting() -> Iterator[int]:
        for number in range(3):
            stored.append(len(list((tmp_path / ".flowruns" / "results").iterdir())))
            yield number

    @task
    def double(number: int) -> int:
        return 2 * number

    @flow(persist_result=True)
    def main() -> list[int]:
        return [double(number) for number in counting()]

    assert main() == [0, 2, 4]
    assert stored == [0, 1, 2]


def test_two_runs_that_yield_may_be_taken_from_in_turns(server: FakeServer) -> None:
    @flow(log_prints=True)
    def counting(name: str) -> Iterator[str]:
        for number in range(2):
            print(f"{name}{number}")
            yield name

    assert [*zip(counting("a"), counting("b"), strict=True)] == [("a", "b"), ("a", "b")]
    lines = {line.message: line.flow_run_id for line in server.logs}
    assert lines["a0"] == lines["a1"] != lines["b0"] == lines["b1"]


def test_a_served_flow_that_yields_runs_to_its_end(server: FakeServer) -> None:
    @flow(log_prints=True)
    def counting() -> Iterator[int]:
        print("one")
        yield 1
        print("two")
        yield 2

    served = Served(server, counting)
    served.play()
    assert served.fake.names[-1] == "Completed"
    assert {"one", "two"} <= {line.message for line in server.logs}


def test_the_state_of_a_flow_that_yields_has_all_its_items() -> None:
    @flow
    def counting() -> Iterator[int]:
        yield from (1, 2)

    state: State[Any] = counting(return_state=True)
    assert state.result() == [1, 2]
