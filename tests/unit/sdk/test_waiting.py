"""Wait for the end of a flow run, played by hand."""

import asyncio
import logging
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from flowruns import get_client, wait_for_flow_run
from flowruns.domain.lost_runs import presumed_crash
from flowruns.domain.states import State, StateType, failed, running
from flowruns.exceptions import FlowRunWaitTimeout, ObjectNotFound
from flowruns.sdk.calls.waiting import wait_steps
from flowruns.sdk.states import FlowRun
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import FakeServer, served_by
from flowruns.wire import FlowRunCreate
from flowruns.wire.headers import reads_heartbeat
from tests.paused_flows import PausedFlow


def _wait(
    flow: PausedFlow,
    *,
    timeout: float | None = 10800,
    poll_interval: float = 5,
    log_states: bool = False,
) -> FlowRun:
    return flow.stage.play(
        wait_steps(flow.id, timeout=timeout, poll_interval=poll_interval, log_states=log_states)
    )


def _completed() -> State:
    return State(type=StateType.COMPLETED)


@pytest.mark.parametrize("timeout", [10800, None])
def test_it_returns_the_finished_run(timeout: float | None) -> None:
    flow = PausedFlow()
    flow.at(100, _completed())
    run = _wait(flow, timeout=timeout)
    assert (run.id, run.state_name) == (flow.id, "Completed")
    assert run.state is not None
    assert run.state.is_completed()
    assert flow.stage.seconds == 100


def test_a_run_that_has_ended_is_returned_at_once() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, failed("early"))
    assert _wait(flow).state_type == "FAILED"
    assert flow.asked == ["GET /flow_runs/…"]


def test_a_server_that_cannot_hold_is_asked_every_poll_interval() -> None:
    flow = PausedFlow(holds=False)
    flow.at(12, _completed())
    _wait(flow, poll_interval=5)
    assert [s for s in flow.stage.slept if s] == [5, 5, 5]


@pytest.mark.parametrize("holds", [True, False])
def test_it_gives_up_when_it_was_asked_to(holds: bool) -> None:
    flow = PausedFlow(holds=holds)
    with pytest.raises(FlowRunWaitTimeout, match="exceeded watch timeout of 7 seconds"):
        _wait(flow, timeout=7)
    assert flow.stage.seconds == 7


@pytest.mark.parametrize("holds", [True, False])
def test_each_state_is_logged_once_and_none_is_missed(
    caplog: pytest.LogCaptureFixture, holds: bool
) -> None:
    flow = PausedFlow(holds=holds)
    flow.at(10, State(type=StateType.PAUSED))
    flow.at(10.1, State(type=StateType.RUNNING))
    flow.at(200, _completed())
    with caplog.at_level(logging.INFO):
        _wait(flow, log_states=True)
    assert [r.message for r in caplog.records] == [
        "Flow run is in state 'Pending'",
        "Flow run is in state 'Running'",
        "Flow run is in state 'Paused'",
        "Flow run is in state 'Running'",
        "Flow run is in state 'Completed'",
    ]


@pytest.mark.slow
def test_many_runs_are_waited_for_at_once() -> None:
    async def wait_for_all() -> list[Any]:
        waits = [wait_for_flow_run(run_id, poll_interval=0.05) for run_id in server.runs]
        finished = asyncio.gather(*waits)
        for run in server.runs.values():
            await asyncio.sleep(0)
            server.set_state(run, _completed())
        return await finished

    server = FakeServer()
    with served_by(server.handle):
        with get_client(sync_client=True) as client:
            flow_id = client.create_flow("many")
            for _ in range(100):
                client.create_flow_run(FlowRunCreate(flow_id=flow_id))
        for run in server.runs.values():
            server.set_state(run, State(type=StateType.RUNNING))
        runs = asyncio.run(wait_for_all())
    assert {run.id for run in runs} == set(server.runs)
    assert {run.state_name for run in runs} == {"Completed"}


def test_a_restart_of_the_server_is_waited_out() -> None:
    flow = PausedFlow()
    flow.stage.at(20, flow.away.leave)
    flow.stage.at(200, flow.away.come_back)
    flow.at(100, _completed())
    assert _wait(flow).state_name == "Completed"
    assert flow.stage.seconds <= 204


def test_a_run_that_does_not_exist_is_an_error() -> None:
    flow = PausedFlow()
    with pytest.raises(ObjectNotFound):
        flow.stage.play(wait_steps(uuid4(), timeout=5, poll_interval=1, log_states=False))


def test_it_waits_where_its_client_is_at_home() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, _completed())
    with served_by(flow.server.handle):
        with get_client(sync_client=True) as client:
            assert wait_for_flow_run(flow.id, client=client).id == flow.id
        assert wait_for_flow_run(flow.id).id == flow.id


async def _wait_twice(flow: PausedFlow) -> list[FlowRun]:
    async with get_client() as client:
        first = await wait_for_flow_run(flow.id, client=client)
    return [first, await wait_for_flow_run(flow.id)]


def test_in_async_code_it_is_awaited() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, _completed())
    with served_by(flow.server.handle):
        assert [run.id for run in asyncio.run(_wait_twice(flow))] == [flow.id, flow.id]


@pytest.mark.parametrize("holds", [True, False])
def test_a_crash_that_is_only_presumed_is_believed_after_a_while(holds: bool) -> None:
    flow = PausedFlow(holds=holds)
    flow.at(50, presumed_crash(timedelta(seconds=40)))
    assert _wait(flow).state_name == "Crashed"
    assert 80 <= flow.stage.seconds <= 85


def test_a_run_whose_process_comes_back_is_waited_for_to_its_end() -> None:
    flow = PausedFlow()
    flow.at(50, presumed_crash(timedelta(seconds=40)))
    flow.at(70, running())
    flow.at(200, _completed())
    assert _wait(flow).state_name == "Completed"
    assert flow.stage.seconds == 200


def test_the_doubt_does_not_prolong_the_wait() -> None:
    flow = PausedFlow()
    flow.at(5, presumed_crash(timedelta(seconds=40)))
    assert _wait(flow, timeout=10).state_name == "Crashed"
    assert flow.stage.seconds == 10


def test_a_pause_attends_its_run_and_outlives_a_presumed_crash() -> None:
    """The server lets the run go on as soon as its own process asks."""
    flow = PausedFlow()

    def server(request: Send) -> Reply:
        if reads_heartbeat(request.headers.get("Prefer", "")) and flow.run.state.is_presumed:
            flow.server.set_state(flow.run, running())
        return flow.away(request)

    flow.stage.server = server
    flow.stage.at(10, flow.away.leave)
    flow.answer_at(20)
    flow.at(60, presumed_crash(timedelta(seconds=40)))
    flow.stage.at(70, flow.away.come_back)
    flow.pause()
    assert flow.run.names[-3:] == ["Running", "Crashed", "Running"]
    assert flow.stage.seconds < 75
