"""Subflows of a run that goes on in another process, or tries again."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowruns import (
    asuspend_flow_run,
    flow,
    pause_flow_run,
    suspend_flow_run,
    task,
)
from flowruns.domain import states
from flowruns.sdk import storage as storages
from flowruns.sdk.context import current_flow_run
from flowruns.testing import FakeServer, reviewed_by
from tests.served_runs import Served


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    storages._open.cache_clear()
    with reviewed_by(lambda asked: {"value": 7} if asked.key == "1" else None) as fake:
        yield fake


SUSPENDED = states.State(
    type=states.StateType.PAUSED,
    name="Suspended",
    details=states.StateDetails(pause_reschedule=True),
)


def test_a_subflow_with_a_stored_result_is_not_executed_again(server: FakeServer) -> None:
    executed: list[str] = []

    @flow
    def child(name: str) -> str:
        executed.append(name)
        return name.upper()

    @flow(persist_result=True)
    def parent() -> None:
        results = [child("a"), child("b"), child("a")]
        suspend_flow_run()
        assert results == ["A", "B", "A"]

    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert executed == ["a", "b", "a"]
    assert [fake.names for fake in served.children()] == [["Pending", "Running", "Completed"]] * 3
    assert served.fake.names[-1] == "Completed"


def test_so_are_async_subflows(server: FakeServer) -> None:
    executed: list[int] = []

    @flow(persist_result=True)
    async def child(number: int) -> int:
        executed.append(number)
        return number

    @flow
    async def parent() -> None:
        assert await asyncio.gather(*(child(number) for number in range(3))) == [0, 1, 2]
        await asuspend_flow_run()

    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert sorted(executed) == [0, 1, 2]
    assert len(served.children()) == 3


def test_a_subflow_without_a_stored_result_is_executed_again_as_the_same_run(
    server: FakeServer,
) -> None:
    executed: list[str] = []

    @task(persist_result=True)
    def step() -> None:
        executed.append("step")

    @flow(persist_result=False)
    def child() -> None:
        executed.append("child")
        step()

    @flow
    def parent() -> None:
        child()
        suspend_flow_run()

    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert executed == ["child", "step", "child"]
    (only,) = served.children()
    assert only.names == ["Pending", "Running", "Completed", "Running", "Completed"]


def test_a_call_with_other_arguments_is_another_subflow(server: FakeServer) -> None:
    arguments = iter([1, 2])
    results: list[int] = []

    @flow(persist_result=True)
    def child(number: int) -> int:
        return number

    @flow
    def parent() -> None:
        results.append(child(next(arguments)))
        suspend_flow_run()

    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert results == [1, 2]
    assert len(served.children()) == 2


def test_subflows_of_tasks_are_told_apart_by_the_task(server: FakeServer) -> None:
    executed: list[str] = []

    @flow(persist_result=True)
    def child() -> int:
        executed.append("child")
        return len(executed)

    @task
    def calling(number: int) -> int:
        return child() + number

    @flow(persist_result=False)
    def parent() -> None:
        results.append(calling.map([10, 20]).result())
        suspend_flow_run()

    results: list[list[int]] = []
    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert results[0] == results[1]
    assert executed == ["child", "child"]


def test_what_cannot_be_named_is_called_anew(server: FakeServer) -> None:
    @flow(persist_result=True)
    def child(callback: Callable[[], int]) -> int:
        return callback()

    @flow
    def parent() -> None:
        child(lambda: 1)
        suspend_flow_run()

    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert len(served.children()) == 2


def test_a_stored_result_that_is_gone_is_named_and_not_made_again(
    server: FakeServer, tmp_path: Path
) -> None:
    @flow(persist_result=True, result_storage=tmp_path / "results")
    def child() -> int:
        return 1

    @flow
    def parent() -> None:
        child()
        for file in (tmp_path / "results").iterdir():
            file.unlink()
        suspend_flow_run()

    served = Served(server, parent)
    served.suspend()
    served.resume()
    served.play()
    assert "flow 'child', which has completed, is not in" in (served.fake.state.message or "")


def test_a_run_whose_subflow_would_be_lost_is_not_suspended(server: FakeServer) -> None:
    @flow
    def child() -> None: ...

    @flow
    def parent() -> None:
        child()
        suspend_flow_run()

    @flow(result_storage="memory://forgotten")
    def in_memory() -> None:
        child()
        suspend_flow_run()

    for each in (parent, in_memory):
        served = Served(server, each)
        served.play()
        assert served.fake.state.type == "FAILED"
        assert "the results of child would be lost" in (served.fake.state.message or "")


def test_a_suspension_from_outside_leaves_the_subflow_its_answers(server: FakeServer) -> None:
    answers: list[int] = []

    @task(persist_result=True)
    def step() -> None: ...

    @flow(persist_result=True)
    def child() -> None:
        answers.append(pause_flow_run(int))
        if len(answers) == 1:
            server.set_state(served.fake, SUSPENDED)
            context = current_flow_run()
            assert context is not None
            context.suspended.set()
        step()

    @flow
    def parent() -> None:
        child()

    served = Served(server, parent)
    server._reviewer = lambda _: {"value": 7}
    served.suspend()
    (fake,) = served.children()
    assert fake.names == ["Pending", "Running", "Paused", "Running", "AwaitingRetry"]
    served.resume()
    server._reviewer = None
    served.play()
    assert answers == [7, 7]
    assert fake.names[5:] == ["Running", "Completed"]


def test_a_second_attempt_gives_a_failed_subflow_a_new_run(server: FakeServer) -> None:
    executed: list[str] = []

    @flow(persist_result=True)
    def good() -> int:
        executed.append("good")
        return 1

    @flow
    def bad() -> None:
        executed.append("bad")
        if executed.count("bad") == 1:
            raise ValueError("once")

    @flow(retries=1)
    def parent() -> int:
        result = good()
        bad()
        return result

    assert parent() == 1
    assert executed == ["good", "bad", "bad"]
    ends = [fake.names[-1] for fake in server.runs.values()]
    assert ends == ["Completed", "Completed", "Failed", "Completed"]


def test_a_subflow_that_still_waits_for_a_dead_process_is_cancelled(server: FakeServer) -> None:
    @flow(persist_result=False)
    def child() -> None: ...

    @flow
    def parent() -> None:
        child()
        suspend_flow_run()

    served = Served(server, parent)
    served.suspend()
    served.children()[0].history.append(states.State(type=states.StateType.PAUSED))
    served.resume()
    served.play()
    left, again = served.children()
    assert (left.names[-1], again.names[-1]) == ("Cancelled", "Completed")
