"""Flows: their runs, attempts, parameters and names; in this process, on a fake server."""

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from flowruns import (
    State,
    StateType,
    flow,
    get_run_logger,
    tags,
)
from flowruns.exceptions import (
    MissingContextError,
    ParameterBindError,
    ParameterTypeError,
)
from flowruns.sdk.context import current_flow_run
from flowruns.testing import FakeServer


def test_a_flow_is_a_run_from_pending_to_completed(server: FakeServer) -> None:
    @flow
    def add_up(first: int, second: int = 2) -> int:
        return first + second

    assert add_up(1) == 3
    assert list(server.flows) == ["add-up"]
    assert server.run.names == ["Pending", "Running", "Completed"]
    assert server.run.run.parameters == {"first": 1, "second": 2}


def test_an_async_flow_is_one_too(server: FakeServer) -> None:
    @flow(name="Async", version="7")
    async def main() -> int:
        return 3

    assert asyncio.run(main()) == 3
    assert list(server.flows) == ["Async"]
    assert server.run.run.flow_version == "7"
    assert server.run.names == ["Pending", "Running", "Completed"]


def test_a_flow_may_hand_out_its_state(server: FakeServer) -> None:
    @flow
    def three() -> int:
        return 3

    @flow
    async def broken() -> int:
        raise ValueError("no")

    state = three(return_state=True)
    assert state.is_completed()
    assert state.result() == 3
    failure: State[int] = asyncio.run(broken(return_state=True))
    assert failure.is_failed()
    assert isinstance(failure.result(raise_on_failure=False), ValueError)


def test_a_flow_that_raises_fails_with_prefects_message(server: FakeServer) -> None:
    @flow
    def broken() -> None:
        raise ValueError("no\x00good")

    with pytest.raises(ValueError, match="no"):
        broken()
    assert server.run.state.message == "Flow run encountered an exception: ValueError: no�good"
    assert server.run.state.type is StateType.FAILED


def test_a_failed_flow_starts_again_as_often_as_it_may(server: FakeServer) -> None:
    attempts: list[int] = []

    @flow(retries=2)
    def shaky() -> int:
        attempts.append(len(attempts))
        if len(attempts) < 3:
            raise ValueError("not yet")
        return len(attempts)

    assert shaky() == 3
    assert server.run.names == [
        "Pending",
        *["Running", "AwaitingRetry"] * 2,
        "Running",
        "Completed",
    ]


@pytest.mark.slow
def test_a_retry_waits_as_long_as_the_server_says(server: FakeServer) -> None:
    @flow(retries=1, retry_delay_seconds=1)
    def shaky(seen: list[int]) -> int:
        if server.run.names.count("Running") == 1:
            raise ValueError("not yet")
        return 1

    assert shaky([]) == 1
    failed_at, again_at = (s.timestamp for s in server.run.history[2:4])
    assert 0.9 < (again_at - failed_at).total_seconds() < 3


class Order(BaseModel):
    id: int


def test_parameters_are_converted_to_their_types(server: FakeServer) -> None:
    @flow
    def add(first: int, /, second: int) -> int:
        return first + second

    assert add("1", second="2") == 3  # type: ignore[call-overload]

    @flow
    def ship(order: Order, *rest: int, express: bool = False, **more: float) -> list[Any]:
        return [order, rest, express, more]

    loosely: Any = ship
    assert loosely({"id": "7"}, "1", "2", express="yes", tip="1.5") == [
        Order(id=7),
        (1, 2),
        True,
        {"tip": 1.5},
    ]


def test_parameters_of_a_wrong_type_fail_the_run_before_it_starts(server: FakeServer) -> None:
    @flow
    def ship(order: Order) -> None: ...

    with pytest.raises(ParameterTypeError, match="id"):
        ship({"id": "seven"})  # type: ignore[call-overload]
    assert server.run.names == ["Pending", "Failed"]
    assert "Validation of flow parameters failed" in str(server.run.state.message)


def test_validation_can_be_left_out(server: FakeServer) -> None:
    @flow(validate_parameters=False)
    def same(value: int) -> int:
        return value

    assert same("7") == "7"  # type: ignore[call-overload]


def test_arguments_that_do_not_fit_start_no_run(server: FakeServer) -> None:
    @flow
    def ship(order: int) -> None: ...

    with pytest.raises(ParameterBindError, match=r"ship\(\) cannot be called so: missing"):
        ship()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="unexpected keyword"):
        ship(1, speed=2)  # type: ignore[call-overload]
    assert server.runs == {}


def test_parameters_without_a_json_form_are_shown_by_their_type(server: FakeServer) -> None:
    @flow
    def odd(**values: Any) -> None: ...

    loop: list[Any] = []
    loop.append(loop)
    odd(a=object(), b=float("nan"), c="x\x00", d=[Order(id=1)], e=loop, f={"k\x00": 1})
    shown: Any = server.run.run.parameters["values"]
    assert shown == "<dict>"
    server.runs.clear()
    odd(a=object(), b=float("nan"), c="x\x00", d=[Order(id=1)], f={"k\x00": 1})
    assert server.run.run.parameters["values"] == {
        "a": "<object>",
        "b": "nan",
        "c": "x�",
        "d": [{"id": 1}],
        "f": {"k�": 1},
    }


def test_runs_are_named_by_template_or_function(server: FakeServer) -> None:
    @flow(flow_run_name="refund-{order}")
    def by_template(order: int) -> None: ...

    @flow(flow_run_name=lambda: "by-function")
    def by_function() -> None: ...

    by_template(7)
    by_function()
    assert [fake.run.name for fake in server.runs.values()] == ["refund-7", "by-function"]


def test_tags_are_those_of_the_callers(server: FakeServer) -> None:
    @flow
    def tagged() -> None: ...

    with tags("finance"), tags("q4", "finance"):
        tagged()
    assert server.run.run.tags == ["finance", "q4"]


def test_a_flow_within_a_flow_has_a_run_of_its_own(server: FakeServer) -> None:
    @flow(log_prints=True)
    def child(n: int) -> int:
        print("child", n)
        return n

    @flow
    async def async_child(n: int) -> int:
        return n

    @flow(log_prints=True)
    async def parent() -> int:
        return child(1) + await async_child(2)

    assert asyncio.run(parent()) == 3
    caller, *children = server.runs.values()
    assert {keys[0] for keys in server.task_runs} == {str(caller.run.id)}
    assert [fake.run.parent_task_run_id for fake in children] == list(server.task_runs.values())
    assert {name for fake in server.runs.values() for name in fake.names[-1:]} == {"Completed"}


# --- ends that others decide


def test_loggers_and_contexts_end_with_the_run(server: FakeServer) -> None:
    @flow
    def inner() -> None:
        assert current_flow_run() is not None
        get_run_logger().info("inside")

    inner()
    assert current_flow_run() is None
    with pytest.raises(MissingContextError, match="no active flow or task run"):
        get_run_logger()
    assert "inside" in [line.message for line in server.logs]


def test_a_flow_looks_like_its_function() -> None:
    @flow
    def documented() -> None:
        """What it does."""

    assert documented.__doc__ == "What it does."
    assert repr(documented) == "<Flow 'documented'>"
