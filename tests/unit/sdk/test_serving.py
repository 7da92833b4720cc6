"""What a serving process decides."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from flowruns import FlowRun
from flowruns.domain import states
from flowruns.sdk.config import load_serving_config
from flowruns.sdk.errors import ConfigurationError
from flowruns.sdk.serving import serving
from flowruns.sdk.serving.process import report_death
from flowruns.sdk.serving.serving import _is_due
from flowruns.sdk.steps.drive import AsyncConnection
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import served_by
from flowruns.wire import FlowRunPolicy
from tests.paused_flows import PausedFlow

LATER = datetime.now(UTC) + timedelta(hours=1)


def test_a_run_whose_process_died_has_crashed_with_the_exit_code() -> None:
    flow = PausedFlow()
    flow.stage.play(report_death(flow.id, 3))
    assert flow.run.names == ["Pending", "Running", "Crashed"]
    assert flow.run.state.message == "Flow run process exited with non-zero status code 3."


def test_a_signal_is_named() -> None:
    flow = PausedFlow()
    flow.stage.play(report_death(flow.id, -11))
    assert (flow.run.state.message or "").endswith("status code -11 (SIGSEGV).")


def test_a_run_that_was_being_cancelled_is_cancelled_then() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, states.State(type=states.StateType.CANCELLING))
    flow.stage.play(report_death(flow.id, -15))
    assert flow.run.names[-1] == "Cancelled"


@pytest.mark.parametrize("kind", ["COMPLETED", "FAILED", "SCHEDULED"])
def test_a_run_that_is_over_or_goes_on_elsewhere_stays_as_it_is(kind: str) -> None:
    flow = PausedFlow()
    flow.run.history.append(states.State(type=states.StateType(kind)))
    flow.stage.play(report_death(flow.id, 1))
    assert flow.run.state.type == kind


def test_a_run_that_another_change_overtakes_is_looked_at_again() -> None:
    flow = PausedFlow()
    flow.stage.server = _completing_after_the_first_look(flow)
    flow.stage.play(report_death(flow.id, 1))
    assert flow.run.names == ["Pending", "Running", "Completed"]


def _completing_after_the_first_look(flow: PausedFlow) -> Callable[[Send], Reply]:
    def handle(request: Send) -> Reply:
        reply = flow.away(request)
        if request.method == "GET" and flow.run.state.type == "RUNNING":
            flow.server.set_state(flow.run, states.State(type=states.StateType.COMPLETED))
        return reply

    return handle


def test_the_death_of_a_deleted_run_is_nobodys_business() -> None:
    flow = PausedFlow()
    flow.stage.play(report_death(uuid4(), 1))
    assert flow.run.names == ["Pending", "Running"]


def _scheduled(start: datetime | None, **fields: object) -> FlowRun:
    known = {"id": uuid4(), "name": "x", "flow_id": uuid4()}
    return FlowRun(**known, next_scheduled_start_time=start, **fields)


def test_only_what_is_due_is_started() -> None:
    assert _is_due(_scheduled(datetime.now(UTC)))
    assert not _is_due(_scheduled(LATER))
    assert not _is_due(_scheduled(None))


def test_a_run_that_waits_for_its_own_retry_is_left_to_its_process() -> None:
    now = datetime.now(UTC)
    policy = FlowRunPolicy(retry_type="in_process")
    assert not _is_due(_scheduled(now, state_name="AwaitingRetry", empirical_policy=policy))
    assert _is_due(_scheduled(now, state_name="Resuming", empirical_policy=policy))


def test_the_times_of_serving_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWRUNS_SERVE_GRACE_SECONDS", raising=False)
    monkeypatch.setenv("FLOWRUNS_SERVE_POLL_SECONDS", "2.5")
    assert (load_serving_config().grace, load_serving_config().poll) == (30.0, 2.5)
    for unusable in ("soon", "-1", "inf"):
        monkeypatch.setenv("FLOWRUNS_SERVE_GRACE_SECONDS", unusable)
        with pytest.raises(ConfigurationError, match="FLOWRUNS_SERVE_GRACE_SECONDS"):
            load_serving_config()


def test_a_process_that_has_no_room_still_says_that_it_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else its deployments would look as if nobody served them."""
    monkeypatch.setattr(serving, "FULL_SECONDS", 0.01)
    asked: list[str] = []
    finished = asyncio.Event()

    def answer(request: Send) -> Reply:
        asked.append(request.path)
        finished.set()
        return Reply(200, b"[]")

    async def serve_while_full() -> None:
        async with AsyncConnection() as connection:
            runner = serving.Runner({uuid4(): "x.py:x"}, connection, load_serving_config(), 1)
            run = asyncio.create_task(finished.wait())
            key = uuid4()
            runner.runs[key] = run  # type: ignore[assignment]
            run.add_done_callback(lambda _: runner.runs.pop(key))
            await runner._wait_for_room()

    with served_by(answer):
        asyncio.run(serve_while_full())
    assert set(asked) == {"/deployments/get_scheduled_flow_runs"}
