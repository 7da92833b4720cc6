"""Runs that a serving process took and never started."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from flowruns.models import FlowRun, FlowRunState
from flowruns.services.runs.states import replace_state
from flowruns.services.upkeep import abandoned
from flowruns.services.upkeep.abandoned import UNSTARTED_AFTER, release_unstarted_runs
from tests.integration.conftest import Make, Run

LONG = UNSTARTED_AFTER + timedelta(seconds=5)


@pytest.fixture
def taken(make_run: Make) -> Run:
    """A run that somebody took a while ago."""
    run = make_run(deployed=True, state="SCHEDULED")
    take(run)
    return run


def take(run: Run, *, ago: timedelta = LONG) -> None:
    run.propose("PENDING")
    FlowRun.objects.filter(pk=run.uuid).update(state_timestamp=datetime.now(UTC) - ago)


def test_a_run_that_was_taken_and_not_started_is_there_to_be_taken_again(taken: Run) -> None:
    assert release_unstarted_runs() == 1
    run = taken.read()
    assert run["state_name"] == "Scheduled"
    assert run["next_scheduled_start_time"] is not None
    assert str(FlowRunState.objects.latest("timestamp").actor) == "server:release"
    assert release_unstarted_runs() == 0
    assert taken.propose("PENDING")["status"] == "ACCEPT"
    assert taken.propose("RUNNING")["status"] == "ACCEPT"


def test_prefects_runner_which_submits_in_two_steps_has_as_long(taken: Run) -> None:
    taken.propose("PENDING", name="Submitting")
    assert release_unstarted_runs() == 0
    FlowRun.objects.update(state_timestamp=datetime.now(UTC) - LONG)
    assert release_unstarted_runs() == 1


def test_one_whose_serving_process_is_there_may_take_any_time(taken: Run) -> None:
    FlowRun.objects.update(attended_at=datetime.now(UTC))
    assert release_unstarted_runs() == 0
    FlowRun.objects.update(attended_at=datetime.now(UTC) - LONG)
    assert release_unstarted_runs() == 1


def test_only_what_a_deployment_can_start_again_is_put_back(make_run: Make) -> None:
    script, started = make_run(state="PENDING"), make_run(deployed=True, state="PENDING")
    submitted = make_run(deployed=True, state="PENDING")
    submitted.api.request(
        "PATCH", f"/flow_runs/{submitted.id}", {"infrastructure_pid": "kubernetes:1"}
    )
    started.propose("RUNNING")
    FlowRun.objects.update(state_timestamp=datetime.now(UTC) - LONG)
    assert release_unstarted_runs() == 0
    assert script.read()["state_type"] == "PENDING"


def test_a_suspended_run_that_was_taken_goes_on_later_with_its_answer(make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    run.resume()
    take(run)
    assert release_unstarted_runs() == 1
    run.propose("PENDING")
    run.propose("RUNNING")
    assert (run.read()["run_count"], run.read()["empirical_policy"]["pause_keys"]) == (1, ["1"])


@pytest.mark.parametrize("end", [None, "COMPLETED"])
def test_of_two_processes_that_come_to_start_it_the_first_has_it(
    end: str | None, taken: Run
) -> None:
    release_unstarted_runs()
    taken.propose("PENDING")
    assert taken.propose("RUNNING")["status"] == "ACCEPT"
    if end:
        taken.propose(end)
    late = taken.propose("RUNNING")
    assert (late["status"], late["details"]["reason"]) == (
        "ABORT",
        "This run was started by another process.",
    )


def test_a_start_that_came_first_stands(taken: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def start_first(flow_run_id: UUID, **kwargs: Any) -> Any:
        taken.propose("RUNNING")
        return replace_state(flow_run_id, **kwargs)

    monkeypatch.setattr(abandoned, "replace_state", start_first)
    assert release_unstarted_runs() == 0
    assert taken.read()["state_type"] == "RUNNING"


def test_two_copies_put_a_run_back_once(taken: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[int] = []

    def release_first(flow_run_id: UUID, **kwargs: Any) -> Any:
        monkeypatch.setattr(abandoned, "replace_state", replace_state)
        released.append(release_unstarted_runs())
        return replace_state(flow_run_id, **kwargs)

    monkeypatch.setattr(abandoned, "replace_state", release_first)
    assert release_unstarted_runs() + released[0] == 1
    assert [state["name"] for state in taken.states()] == ["Pending", "Scheduled"] * 2
