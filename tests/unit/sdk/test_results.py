"""Results of tasks that outlive their process."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel

from flowruns import State, flow, suspend_flow_run, task
from flowruns.exceptions import PauseRefused, ResultNotPersisted
from flowruns.sdk.context import current_flow_run
from flowruns.sdk.results import _plain, place_result
from flowruns.sdk.storage import open_storage
from flowruns.testing import reviewed_by


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with reviewed_by(lambda _: None):
        yield


def test_equal_calls_in_one_run_are_executed_once() -> None:
    executed: list[int] = []

    @task(persist_result=True)
    def double(number: int) -> int:
        executed.append(number)
        return 2 * number

    @flow
    def doubling() -> list[State[int]]:
        return [double(number, return_state=True) for number in (1, 2, 1)]

    states = doubling(return_state=True).result()
    assert [(state.name, state.result()) for state in states] == [
        ("Completed", 2),
        ("Completed", 4),
        ("Cached", 2),
    ]
    assert executed == [1, 2]
    doubling()
    assert executed == [1, 2, 1, 2]


def test_a_flow_decides_for_its_tasks_unless_they_do(tmp_path: Path) -> None:
    @task
    def kept() -> int:
        return 1

    @task(persist_result=False)
    def dropped() -> int:
        return 2

    @flow(persist_result=True, result_storage=tmp_path / "here")
    def outer() -> None:
        kept()
        dropped()

    outer()
    of_flows = list((tmp_path / "here").glob("flow-run-*"))
    assert len(of_flows) == 1
    assert len(list((tmp_path / "here").iterdir())) == 2


class Unreadable:
    """Can be pickled, and not read again."""

    def __reduce__(self) -> Any:
        return int, ("nonsense",)


@pytest.mark.parametrize("persists", [True, None])
@pytest.mark.parametrize(
    "make",
    [lambda: lambda: 1, threading.Lock, lambda: (n for n in range(2)), Unreadable],
    ids=["lambda", "lock", "generator", "unreadable"],
)
def test_what_cannot_be_stored_runs_and_says_so_once(
    make: Callable[[], Any], persists: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    @task(persist_result=persists)
    def returning() -> Any:
        return make()

    @task(persist_result=persists)
    def given(argument: Any) -> int:
        return len([argument])

    @flow(persist_result=True)
    def calling() -> Any:
        assert [type(returning()), type(returning())] == [type(make())] * 2
        assert [given(make()) for _ in range(3)] == [1, 1, 1]
        return make()

    assert type(calling()) is type(make())
    warned = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    owners = ["task 'returning'", "task 'given'", "flow 'calling'"]
    if make is Unreadable:
        owners.remove("task 'given'")
    assert [sum(owner in line for line in warned) for owner in owners] == [1] * len(owners)
    assert len(warned) == len(owners)


def test_a_suspension_that_would_lose_what_cannot_be_stored_is_refused() -> None:
    @task
    def opening() -> Any:
        return threading.Lock()

    @flow(persist_result=True)
    def suspending() -> None:
        run = current_flow_run()
        assert run is not None
        run.flow_run.deployment_id = uuid4()
        opening()
        suspend_flow_run()

    reason = r"the results of opening would be lost; .*The result of task 'opening' cannot be pick"
    with pytest.raises(PauseRefused, match=reason):
        suspending()


class TwoArguments(Exception):
    def __init__(self, order: int, reason: str) -> None:
        super().__init__(f"{order}: {reason}")
        self.order = order


def test_an_error_whose_class_takes_other_arguments_is_stored() -> None:
    executed: list[int] = []

    @task
    def trying() -> Exception:
        executed.append(1)
        return TwoArguments(7, "late")

    @flow(persist_result=True)
    def calling() -> Any:
        return [trying(), trying()]

    first, second = calling()
    assert (str(second), second.order, type(second)) == (str(first), 7, TwoArguments)
    assert executed == [1]


def test_a_result_that_cannot_be_read_is_not_made_again(tmp_path: Path) -> None:
    def count() -> None: ...

    storage = open_storage(tmp_path)
    place = place_result(count, {}, flow_run_id=uuid4(), task_name="count", storage=storage)
    storage.write(place.key, b"nonsense")
    with pytest.raises(ResultNotPersisted, match=r"of task 'count' in .* cannot be read"):
        place.read()


class Model(BaseModel):
    names: set[str]


@dataclass
class Data:
    value: Any


def test_arguments_are_written_alike_in_every_process() -> None:
    assert _plain({"b", "a"}) == _plain({"a", "b"})
    assert _plain({"x": 1, "y": 2}) == _plain({"y": 2, "x": 1})
    assert _plain(Model(names={"b", "a"})) == _plain(Model(names={"a", "b"}))
    assert _plain(Model(names={"b"})) != _plain(Model(names={"a"}))
    assert _plain(Data([1])) != _plain(Data((1,)))
    assert _plain([1]) != _plain([2])
    assert _plain(1 + 2j) == _plain(1 + 2j)


def test_a_run_whose_results_would_be_lost_is_not_suspended() -> None:
    @task
    def forgetful() -> None: ...

    @flow
    def suspending() -> None:
        run = current_flow_run()
        assert run is not None
        run.flow_run.deployment_id = uuid4()
        forgetful()
        suspend_flow_run()

    with pytest.raises(PauseRefused, match="the results of forgetful would be lost"):
        suspending()


def test_a_subflow_that_would_not_be_found_again_refuses_the_suspension() -> None:
    @flow
    def counting(lock: Any) -> int:
        return len([lock])

    @flow(persist_result=True)
    def suspending() -> None:
        run = current_flow_run()
        assert run is not None
        run.flow_run.deployment_id = uuid4()
        assert counting(threading.Lock()) == 1
        suspend_flow_run()

    with pytest.raises(PauseRefused, match="The arguments of 'counting' cannot be pickled"):
        suspending()
