"""Arguments that change whenever a flow begins again do not have a person asked for ever."""

import logging
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from flowruns import RunInput, flow, pause_flow_run, suspend_flow_run, task
from flowruns.sdk import storage
from flowruns.testing import FakeServer, reviewed_by
from tests.served_runs import Served

WAY_OUT = "give the pause a key= of its own"


class Ok(RunInput):
    ok: bool


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    storage._open.cache_clear()
    with reviewed_by(lambda _: {"ok": True}) as fake:
        yield fake


def _begin(server: FakeServer, ask: Callable[[], Any]) -> Served:
    """Serve a flow that calls `ask`, and is suspended as often as it begins."""

    @flow(persist_result=True)
    def asking() -> list[Any]:
        answers = [ask()]
        for _ in range(4):
            suspend_flow_run()
        return answers

    served = Served(server, asking)
    server._reviewer = lambda asked: {"ok": True} if asked.schema else {}
    return served


def _warnings(served: Served) -> list[str]:
    return [line.message for line in served.server.logs if line.level == logging.WARNING]


@task(persist_result=False)
def ask_at(time: int, what: str = "Pay?") -> bool:
    return pause_flow_run(Ok.with_initial_data(description=what)).ok


@task(persist_result=True)
def ask_stored(time: int) -> bool:
    return ask_at(time)


@task(persist_result=False)
def ask_with_a_key(time: int) -> bool:
    return pause_flow_run(Ok, key="pay").ok


@flow(persist_result=True)
def ask_in_a_subflow(time: int) -> bool:
    return pause_flow_run(Ok).ok


CALLS: dict[str, Callable[[int], Any]] = {
    "a task": ask_at,
    "a submitted task": lambda time: ask_at.submit(time).result(),
    "a task of a stored task": ask_stored,
    "a task whose text changes too": lambda time: ask_at(time, f"Pay at {time}?"),
}


@pytest.mark.parametrize("call", CALLS)
def test_arguments_that_change_are_noticed_once_and_not_asked_for_ever(
    call: str, server: FakeServer
) -> None:
    times = count()
    served = _begin(server, lambda: CALLS[call](next(times)))
    served.suspend()
    assert _warnings(served) == []
    served.play()
    (noticed,) = _warnings(served)
    assert WAY_OUT in noticed
    assert noticed in (served.fake.state.message or "")
    assert served.fake.names.count("Paused") == 2


def test_a_key_is_the_way_out(server: FakeServer) -> None:
    times = count()
    served = _begin(server, lambda: ask_with_a_key(next(times)))
    for _ in range(4):
        served.suspend()
    served.play()
    assert served.fake.names[-1] == "Completed"
    assert served.fake.names.count("Paused") == 1


def test_parameters_of_a_subflow_that_change_are_noticed_once_and_not_asked_for_ever(
    server: FakeServer,
) -> None:
    times = count()
    served = _begin(server, lambda: ask_in_a_subflow(next(times)))
    served.suspend()
    assert _warnings(served) == []
    served.play()
    (noticed,) = _warnings(served)
    assert "the result of a task with persist_result=True" in noticed
    assert noticed in (served.fake.state.message or "")
    assert [child.names.count("Paused") for child in served.children()] == [1, 1]


@pytest.mark.parametrize("ask", [ask_at, ask_in_a_subflow])
def test_calls_that_are_added_first_whenever_it_begins_are_asked_and_the_others_are_known(
    ask: Callable[[int], Any], server: FakeServer
) -> None:
    orders: list[int] = []

    def ask_newest_first() -> list[bool]:
        orders.insert(0, len(orders))
        return [ask(order) for order in orders]

    served = _begin(server, ask_newest_first)
    for _ in range(4):
        served.suspend()
    served.play()
    assert served.fake.names[-1] == "Completed"
    runs = [served.fake, *served.children()]
    assert sum(run.names.count("Paused") for run in runs) == 5
