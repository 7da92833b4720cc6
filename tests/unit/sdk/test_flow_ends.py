"""How runs of flows end, also when something else ends them; on a fake server."""

import asyncio
import logging
import os
import signal
import threading
from typing import Any

import pytest

from flowruns import (
    State,
    StateType,
    flow,
    pause_flow_run,
    task,
)
from flowruns.domain import states
from flowruns.domain.rejections import rejected
from flowruns.exceptions import (
    CancelledRun,
    FailedRun,
    PauseFailed,
    ServerUnreachable,
    TerminationSignal,
)
from flowruns.sdk.reporting import shipping
from flowruns.sdk.runs import engine
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import FakeServer, served_by


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
        return server.handle(request._replace(headers=headers))

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


@pytest.mark.parametrize("returned", [1, 2])
def test_a_flow_that_returns_failed_states_starts_again_where_it_may(
    server: FakeServer, returned: int
) -> None:
    @flow(retries=1)
    def shaky() -> Any:
        failed = State[Any](type=StateType.FAILED, message="not yet")
        if server.run.names.count("Running") == 1:
            return failed if returned == 1 else [failed] * returned
        return "done"

    assert shaky() == "done"
    assert server.run.names == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]


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


@pytest.mark.slow
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
