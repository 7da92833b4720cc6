"""Flows: their runs, states, parameters and ends; in this process, on a fake server."""

import asyncio
import dataclasses
import logging
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from flowruns import (
    State,
    StateType,
    apause_flow_run,
    flow,
    get_run_logger,
    pause_flow_run,
    tags,
    task,
)
from flowruns.domain import states
from flowruns.domain.rejections import rejected
from flowruns.exceptions import (
    ApprovalRejected,
    CancelledRun,
    FailedRun,
    FlowPauseTimeout,
    MissingContextError,
    ParameterBindError,
    ParameterTypeError,
    PauseFailed,
    ServerUnreachable,
    TerminationSignal,
)
from flowruns.sdk import engine, shipping
from flowruns.sdk.context import current_flow_run
from flowruns.sdk.steps import Reply, Send
from flowruns.sdk.testing import Asked, FakeServer, Rejected, reviewed_by, served_by


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose reviewer answers everything with yes."""
    with reviewed_by(lambda _: {"value": True}) as fake:
        yield fake


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


class Review:
    """A reviewer who can be told what to do."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Any:
        self.asked.append(asked)
        return self.answer


def test_a_flow_pauses_for_an_answer_in_sync_and_async_code() -> None:
    @flow
    def sync_flow() -> int:
        return pause_flow_run(int)

    @flow
    async def async_flow() -> list[int]:
        return [await pause_flow_run(int), await apause_flow_run(int)]

    review = Review({"value": 5})
    with reviewed_by(review):
        assert sync_flow() == 5
        assert asyncio.run(async_flow()) == [5, 5]
    assert [asked.key for asked in review.asked] == ["1", "1", "2"]
    assert review.asked[0].schema is not None
    assert review.asked[0].flow_run.state_name == "Paused"


def test_a_rejected_flow_ends_as_the_reviewer_said(caplog: pytest.LogCaptureFixture) -> None:
    @flow(retries=3)
    def refund() -> None:
        pause_flow_run()

    with (
        reviewed_by(Review(Rejected("Too much"))) as server,
        pytest.raises(ApprovalRejected, match="Too much"),
    ):
        refund()
    assert server.run.names == ["Pending", "Running", "Paused", "Rejected"]


def test_a_flow_may_clean_up_after_a_rejection_and_stays_rejected() -> None:
    @flow
    def refund() -> str:
        try:
            pause_flow_run()
        except ApprovalRejected as error:
            return f"undone: {error.reason}"
        return "done"

    with reviewed_by(Review(Rejected("No"))) as server:
        assert refund() == "undone: No"
        state = refund(return_state=True)
    assert state.is_cancelled()
    assert {fake.names[-1] for fake in server.runs.values()} == {"Rejected"}
    kept = [line.message for line in server.logs if "stays so" in line.message]
    assert len(kept) == 2


def test_a_rejected_child_fails_its_parent_and_nothing_else() -> None:
    @flow
    def child() -> None:
        pause_flow_run()

    @flow
    def parent() -> None:
        child()

    with reviewed_by(Review(Rejected("No"))) as server, pytest.raises(ApprovalRejected):
        parent()
    outer, inner = server.runs.values()
    assert inner.names[-1] == "Rejected"
    assert outer.names == ["Pending", "Running", "Failed"]
    assert "ApprovalRejected" in str(outer.state.message)


def test_a_task_that_is_rejected_is_not_tried_again() -> None:
    attempts: list[int] = []

    @task(retries=3)
    def ask() -> None:
        attempts.append(1)
        pause_flow_run()

    @flow
    def refund() -> None:
        ask()

    with reviewed_by(Review(Rejected("No"))), pytest.raises(ApprovalRejected):
        refund()
    assert attempts == [1]


def test_a_pause_that_times_out_fails_the_flow() -> None:
    @flow
    def refund() -> None:
        pause_flow_run(timeout=0.2, poll_interval=0.05)

    server = FakeServer()
    with served_by(server.handle), pytest.raises(FlowPauseTimeout):
        refund()
    assert server.run.names == ["Pending", "Running", "Paused", "Failed"]


def test_a_run_that_was_cancelled_meanwhile_is_not_completed(server: FakeServer) -> None:
    @flow
    def busy() -> int:
        server.set_state(server.run, rejected(reviewer="bob", reason="Stop"))
        return 1

    state = busy(return_state=True)
    assert state.name == "Rejected"
    assert server.run.names == ["Pending", "Running", "Rejected"]


def test_a_rejection_in_the_last_moment_is_kept() -> None:
    server = FakeServer()
    rejections = [rejected(reviewer="bob", reason="Stop")]

    def reject_before_the_end(request: Send) -> Reply:
        ends = request.path.endswith("set_state") and request.body["state"]["type"] == "COMPLETED"
        if ends and rejections:
            server.set_state(server.run, rejections.pop())
        return server.handle(request)

    @flow
    def busy() -> int:
        return 1

    with served_by(reject_before_the_end):
        assert busy() == 1
    assert server.run.names == ["Pending", "Running", "Rejected"]


def test_a_run_that_is_being_cancelled_becomes_cancelled(server: FakeServer) -> None:
    @flow
    def busy() -> int:
        server.set_state(server.run, states.State(type=StateType.CANCELLING))
        return 1

    assert busy() == 1
    assert server.run.names == ["Pending", "Running", "Cancelling", "Cancelled"]


def test_a_cancellation_in_the_last_moment_is_carried_out_where_nothing_is_compared() -> None:
    server = FakeServer()

    def cancel_before_the_end(request: Send) -> Reply:
        if request.path.endswith("set_state") and request.body["state"]["type"] == "COMPLETED":
            server.set_state(server.run, states.State(type=StateType.CANCELLING))
        headers = {name: text for name, text in request.headers.items() if name != "if-match"}
        return server.handle(dataclasses.replace(request, headers=headers))

    @flow
    def busy() -> int:
        return 1

    with served_by(cancel_before_the_end):
        assert busy() == 1
    assert server.run.names == ["Pending", "Running", "Cancelling", "Cancelled"]


def test_a_server_that_never_agrees_does_not_keep_the_flow_for_ever() -> None:
    server = FakeServer()

    def never_agree(request: Send) -> Reply:
        ends = request.path.endswith("set_state") and request.body["state"]["type"] == "COMPLETED"
        return Reply(412) if ends else server.handle(request)

    @flow
    def busy() -> int:
        return 1

    with served_by(never_agree):
        assert busy() == 1


def test_a_run_that_was_deleted_meanwhile_ends_quietly(server: FakeServer) -> None:
    @flow
    def busy() -> int:
        server.runs.clear()
        return 1

    assert busy() == 1


def test_a_run_that_was_cancelled_before_it_began_does_not_begin() -> None:
    server = FakeServer()

    def cancel_at_birth(request: Send) -> Reply:
        if request.path.endswith("set_state") and len(server.run.history) == 1:
            server.set_state(server.run, states.State(type=StateType.CANCELLING))
        return server.handle(request)

    @flow
    def never() -> None: ...

    with served_by(cancel_at_birth), pytest.raises(CancelledRun):
        never()
    assert server.run.names == ["Pending", "Cancelling", "Cancelled"]


# --- crashes


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyboardInterrupt(), "Execution was aborted by an interrupt signal."),
        (SystemExit(3), "Execution was aborted by Python system exit call."),
        (BaseException("odd"), "Execution was interrupted by an unexpected exception:"),
    ],
)
def test_what_ends_the_process_crashes_the_run(
    error: BaseException, message: str, server: FakeServer
) -> None:
    @flow
    def doomed() -> None:
        raise error

    with pytest.raises(type(error)):
        doomed()
    assert server.run.names == ["Pending", "Running", "Crashed"]
    assert str(server.run.state.message).startswith(message)


def test_what_ends_the_process_crashes_every_run_in_it(server: FakeServer) -> None:
    @flow
    def child() -> None:
        raise KeyboardInterrupt

    @flow
    def parent() -> None:
        child()

    with pytest.raises(KeyboardInterrupt):
        parent()
    assert [fake.names[-1] for fake in server.runs.values()] == ["Crashed", "Crashed"]


async def _abandon(running: Any) -> None:
    coroutine = running()
    coroutine.send(None)
    coroutine.close()


def test_an_abandoned_coroutine_closes_quietly(server: FakeServer) -> None:
    @task
    async def endless() -> None:
        await asyncio.Event().wait()

    @flow
    async def waiting() -> None:
        await endless()

    asyncio.run(_abandon(waiting))
    assert server.run.names == ["Pending", "Running"]


async def _cancel_inside(started: asyncio.Event, running: Any) -> None:
    work = asyncio.create_task(running())
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


def test_a_cancelled_asyncio_task_crashes_the_run(server: FakeServer) -> None:
    started = asyncio.Event()

    @flow
    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    asyncio.run(_cancel_inside(started, endless))
    assert server.run.state.message == "Execution was cancelled by the runtime environment."


def test_a_termination_signal_crashes_the_run_and_then_ends_the_process(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    real_kill = os.kill

    @flow
    def waiting() -> None:
        monkeypatch.setattr(os, "kill", lambda _, number: killed.append(number))
        real_kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(5)

    with pytest.raises(TerminationSignal):
        waiting()
    assert server.run.state.message == "Execution was aborted by a termination signal."
    assert killed == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_failing_flow_ends_the_pause_that_one_of_its_tasks_waits_in() -> None:
    ended: list[BaseException] = []
    server = FakeServer()

    @task
    def ask() -> None:
        try:
            pause_flow_run(poll_interval=0.01)
        except PauseFailed as error:
            ended.append(error)
            raise

    @flow
    def impatient() -> None:
        ask.submit()
        while "Paused" not in server.run.names:
            pass
        raise ValueError("enough")

    with served_by(server.handle), pytest.raises(ValueError, match="enough"):
        impatient()
    assert len(ended) == 1
    assert server.run.names[-1] == "Failed"


# --- what a flow returns


def test_states_that_a_flow_returns_decide_its_own(server: FakeServer) -> None:
    @task
    def work(n: int) -> int:
        return 1 // n

    @flow
    def both(numbers: list[int]) -> Any:
        return [work.submit(n) for n in numbers]

    assert [state.result() for state in both([1, 1])] == [1, 1]
    assert [state.name for state in both([1, 0])] == ["Completed", "Failed"]
    good, bad = server.runs.values()
    assert (good.names[-1], good.state.message) == ("Completed", "All states completed.")
    assert (bad.names[-1], bad.state.message) == ("Failed", "1/2 states failed.")


def test_a_state_that_a_flow_made_is_its_state(server: FakeServer) -> None:
    @flow
    def undecided() -> Any:
        return State(type=StateType.FAILED, name="Undecided", message="Ask again")

    with pytest.raises(FailedRun, match="Ask again"):
        undecided()
    assert server.run.names[-1] == "Undecided"


def test_a_cancelled_state_among_the_returned_cancels(server: FakeServer) -> None:
    @flow
    def partly() -> list[State[Any]]:
        return [State(type=StateType.CANCELLED), State(type=StateType.COMPLETED)]

    state = partly(return_state=True)
    assert (state.name, state.message) == ("Cancelled", "1/2 states cancelled.")
    with pytest.raises(CancelledRun):
        state.result()
    assert server.run.state.message == "1/2 states cancelled."


# --- the server's part


def test_a_server_that_is_not_there_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "STARTING", 0.1)
    monkeypatch.setenv("FLOWRUNS_API_URL", "http://127.0.0.1:9/api")

    @flow
    def lonely() -> None: ...

    with pytest.raises(ServerUnreachable, match=r"127.0.0.1:9/api.*FLOWRUNS_API_URL"):
        lonely()


def test_an_end_that_cannot_be_told_does_not_lose_the_value(
    monkeypatch: pytest.MonkeyPatch, server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(engine, "WORKING", 0.0)
    monkeypatch.setattr(shipping, "FLUSH_SECONDS", 0.1)

    def refuse_the_end(request: Send) -> Reply:
        ends = request.path.endswith("set_state") and request.body["state"]["type"] == "COMPLETED"
        return Reply(400) if ends else server.handle(request)

    @flow
    def precious() -> int:
        return 7

    with served_by(refuse_the_end), caplog.at_level(logging.WARNING, "flowruns"):
        assert precious() == 7
    assert "The end of the flow run is not recorded" in caplog.text


# --- the context


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
