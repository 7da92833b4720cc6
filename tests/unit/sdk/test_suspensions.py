"""Suspending a flow run, played by hand on a fake server."""

import threading
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from flowruns import flow, suspend_flow_run, task
from flowruns.domain import states
from flowruns.exceptions import FlowRunSuspended, MissingContextError, PauseRefused
from flowruns.sdk.context import current_flow_run, in_flow_run
from flowruns.sdk.inputs.suspensions import suspend_steps
from flowruns.testing import reviewed_by
from tests.paused_flows import PausedFlow


class SuspendedFlow(PausedFlow):
    """A run of a deployment; `suspend` is what its flow calls."""

    def __init__(self) -> None:
        super().__init__()
        self.context.flow_run.deployment_id = uuid4()
        self.run.facts = replace(self.run.facts, has_deployment=True)

    def suspend(self, wait_for_input: Any = None, key: str | None = None) -> Any:
        """Suspend as a process does that begins the flow again."""
        self.begin_again()
        with in_flow_run(self.context):
            steps = suspend_steps(wait_for_input, None, timeout=60, key=key)
            return self.stage.play(steps)

    def suspend_from_outside(self, wait_for_input: Any = None, key: str | None = None) -> Any:
        return self.stage.play(suspend_steps(wait_for_input, self.id, timeout=60, key=key))


def test_a_suspension_leaves_the_run_and_returns_the_answer_to_the_next_process() -> None:
    flow = SuspendedFlow()
    with pytest.raises(FlowRunSuspended):
        flow.suspend(int, key="1")
    details = flow.run.state.details
    assert (flow.run.names[-1], details.pause_key, details.pause_reschedule) == (
        *("Suspended", "1"),
        True,
    )
    assert "suspended-1-schema" in flow.run.inputs
    flow.server._resume(flow.run, {"value": 7})
    assert flow.suspend(int, key="1") == 7


def test_a_suspension_without_a_question_returns_nothing() -> None:
    flow = SuspendedFlow()
    with pytest.raises(FlowRunSuspended):
        flow.suspend(key="one")
    flow.server._resume(flow.run, None)
    assert flow.suspend(key="one") is None


def test_a_run_without_a_deployment_says_what_it_needs_and_goes_on() -> None:
    flow = PausedFlow()
    steps = suspend_steps(int, None, timeout=60, key=None)
    with in_flow_run(flow.context), pytest.raises(PauseRefused, match="has no deployment"):
        flow.stage.play(steps)
    assert flow.run.names == ["Pending", "Running"]
    assert flow.run.inputs == {}


def test_another_run_is_suspended_with_its_own_questions() -> None:
    flow = SuspendedFlow()
    assert flow.suspend_from_outside(int, key="stop") is None
    assert flow.run.names[-1] == "Suspended"
    assert "suspended-stop-schema" in flow.run.inputs
    with pytest.raises(PauseRefused, match="paused already"):
        flow.suspend_from_outside()


def test_what_does_not_run_cannot_be_suspended() -> None:
    flow = SuspendedFlow()
    flow.server.set_state(flow.run, states.State(type=states.StateType.COMPLETED))
    with pytest.raises(PauseRefused, match="cannot be suspended"):
        flow.suspend_from_outside()
    with pytest.raises(MissingContextError, match="within a flow run"):
        flow.stage.play(suspend_steps(None, None, timeout=60, key=None))
    with pytest.raises(ValueError, match="lower-case"):
        suspend_steps(None, None, timeout=60, key="No")


@task
def step(done: list[str]) -> None:
    done.append("step")


def test_a_suspended_flow_stops_at_each_boundary_and_lets_started_tasks_finish() -> None:
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    @task
    def started() -> None:
        begun.set()
        go_on.wait(5)
        done.append("started")

    @flow
    def inner() -> None:
        done.append("inner")

    @flow
    def outer(boundary: Any) -> None:
        started.submit()
        begun.wait(5)
        run = current_flow_run()
        assert run is not None
        run.suspended.set()
        go_on.set()
        boundary()
        done.append("after")

    boundaries = (lambda: step(done), lambda: step.submit(done), lambda: step.map([done]), inner)
    for boundary in boundaries:
        begun.clear()
        with reviewed_by(lambda _: None), pytest.raises(FlowRunSuspended):
            outer(boundary)
    assert done == ["started"] * len(boundaries)


def test_tasks_are_not_suspended() -> None:
    @task
    def suspending() -> None:
        suspend_flow_run()

    @flow
    def caller() -> None:
        suspending()

    with reviewed_by(lambda _: None), pytest.raises(PauseRefused, match="task runs"):
        caller()
