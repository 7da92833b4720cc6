"""Runs that this process has taken, and that somebody else may have, too."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from flowruns import FlowRun, State, flow
from flowruns.domain import states
from flowruns.domain.states import StateDetails, StateType
from flowruns.exceptions import FlowRunNotOurs
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.dispatch import on_thread
from flowruns.sdk.reporting import heartbeat
from flowruns.sdk.serving import child as served_run
from flowruns.sdk.steps.drive import AsyncConnection
from flowruns.testing import FakeServer, served_by
from flowruns.wire import FlowRunCreate

HISTORY = {
    "suspended": states.State(
        type=StateType.PAUSED, name="Suspended", details=StateDetails(pause_reschedule=True)
    ),
    "resuming": states.State(type=StateType.SCHEDULED, name="Resuming"),
    "taken": states.State(type=StateType.PENDING),
    "running": states.State(type=StateType.RUNNING),
    "crashed": states.State(type=StateType.CRASHED),
    "scheduled": states.State(type=StateType.SCHEDULED),
}
calls_seen: list[str] = []


@flow(on_cancellation=[lambda _flow, _run, state: calls_seen.append(str(state.name))])
def served() -> None:
    calls_seen.append("ran")


@pytest.fixture
def server() -> Iterator[FakeServer]:
    calls_seen.clear()
    fake = FakeServer()
    with served_by(fake.handle):
        yield fake


def take(server: FakeServer) -> FlowRun:
    """Make a run that is PENDING."""
    flow_id = on_thread(flow_runs.create_flow("served"))
    return on_thread(flow_runs.create_flow_run(FlowRunCreate(flow_id=flow_id)))


def serve(run: FlowRun) -> int:
    return served_run.main([str(run.id), f"{Path(__file__)}:served"])


def change(server: FakeServer, kind: str) -> None:
    server.set_state(server.run, states.State(type=StateType(kind)))


def test_a_run_that_was_taken_is_run_once(server: FakeServer) -> None:
    run = take(server)
    assert serve(run) == 0
    assert server.run.names == ["Pending", "Running", "Completed"]
    assert serve(run) == 0
    assert server.run.names == ["Pending", "Running", "Completed"]


@pytest.mark.parametrize("kind", ["RUNNING", "CANCELLED", "SCHEDULED"])
def test_a_run_that_changes_before_it_begins_is_somebody_elses(
    kind: str, server: FakeServer
) -> None:
    run = take(server)
    change(server, kind)
    with pytest.raises(FlowRunNotOurs):
        served.play_taken(run)
    assert server.run.names == ["Pending", kind.capitalize()]
    assert not calls_seen


def test_a_run_that_was_released_and_started_by_another_is_left_to_it(server: FakeServer) -> None:
    run = take(server)
    for kind in ("SCHEDULED", "PENDING", "RUNNING"):
        change(server, kind)
    known: State[Any] = State(type=StateType.RUNNING, id=server.run.state.id)
    with pytest.raises(FlowRunNotOurs, match="started by another process"):
        served.play_taken(run.model_copy(update={"state": known}))
    assert server.run.names[-1] == "Running"


def test_a_run_that_is_cancelled_before_it_begins_is_ended(server: FakeServer) -> None:
    run = take(server)
    change(server, "CANCELLING")
    assert serve(run) == 0
    assert server.run.names == ["Pending", "Cancelling", "Cancelled"]


@pytest.mark.parametrize(
    ("before", "after", "is_left"),
    [
        ((), ("running",), False),
        ((), ("running", "suspended"), True),
        ((), ("running", "suspended", "resuming", "taken", "running"), True),
        (("suspended", "resuming"), ("running",), False),
        ((), ("running", "crashed", "running"), False),
        ((), ("running", "crashed", "scheduled", "taken"), True),
        (("crashed", "scheduled"), ("running", "scheduled", "running"), False),
    ],
)
def test_a_suspension_that_nobody_here_saw_is_in_the_history(
    before: tuple[str, ...], after: tuple[str, ...], is_left: bool, server: FakeServer
) -> None:
    taken = states.State(type=StateType.PENDING)
    run = take(server)
    server.run.history[:] = [
        *(HISTORY[name] for name in before),
        taken,
        *(HISTORY[name] for name in after),
    ]
    known: State[Any] = State(type=StateType.PENDING, id=taken.id)

    async def ask() -> bool:
        async with AsyncConnection() as connection:
            return await heartbeat._is_left(run.model_copy(update={"state": known}), connection)

    assert asyncio.run(ask()) is is_left


def test_a_run_that_is_suspended_elsewhere_is_heard_of(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "POLL_SECONDS", 0.01)
    run, suspended = take(server).model_copy(update={"deployment_id": uuid4()}), threading.Event()
    with heartbeat.sending_heartbeats(run, suspended):
        change(server, "RUNNING")
        server.run.history.append(HISTORY["suspended"])
        assert suspended.wait(5)
