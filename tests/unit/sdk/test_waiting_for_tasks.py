"""What calls wait for before they begin, and where they are."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from flowruns import flow, get_run_context, task
from flowruns.exceptions import MissingContextError, UpstreamTaskError
from flowruns.testing import FakeServer, reviewed_by


@pytest.fixture(autouse=True)
def server() -> Iterator[FakeServer]:
    with reviewed_by(lambda _: {"value": 1}) as fake:
        yield fake


def test_calls_and_maps_wait_for_what_they_are_told_to() -> None:
    ended: list[str] = []

    @task
    def slow() -> None:
        time.sleep(0.2)
        ended.append("slow")

    @task
    def quick(number: int = 0) -> int:
        ended.append("quick")
        return number

    @flow
    def child() -> None:
        ended.append("child")

    @flow
    def main() -> Any:
        quick(wait_for=slow.submit())
        child(wait_for=[slow.submit()])
        return quick.map([1, 2], wait_for=[slow.submit()]).result()

    assert main() == [1, 2]
    assert ended == ["slow", "quick", "slow", "child", "slow", "quick", "quick"]


def test_nothing_begins_after_what_it_waits_for_has_failed() -> None:
    begun: list[str] = []

    @task
    def failing() -> None:
        raise ValueError("no")

    @task
    def later() -> None:
        begun.append("task")

    @flow
    def child() -> None:
        begun.append("flow")

    @flow
    def main() -> None:
        failed = failing.submit()
        assert later(wait_for=[failed], return_state=True).name == "NotReady"
        with pytest.raises(UpstreamTaskError):
            child(wait_for=[failed])

    main()
    assert begun == []


def test_a_run_knows_its_context() -> None:
    @task
    def inner() -> Any:
        return get_run_context()

    @flow
    def outer() -> Any:
        return get_run_context(), inner()

    flow_run, task_run = outer()
    assert flow_run.flow_run.state is not None
    assert task_run.task_run_id
    with pytest.raises(MissingContextError):
        get_run_context()
