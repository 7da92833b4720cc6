"""What a policy does at the end, while no loop was there to do it in time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.models import Approval, Decision, Step
from approvals.services.stepping import take_due_steps
from flowruns.models import FlowRun, FlowRunState
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask
from tests.teams import hold

pytestmark = pytest.mark.django_db
REJECTS = 'anyone; at the end reject because "nobody answered"'
ANSWERS = "anyone; at the end answer {}"
FAILED = {"state": {"type": "FAILED", "message": "FlowPauseTimeout"}}


def miss_the_end(run: Run) -> str:
    """Let the deadline of its pause pass without a loop, and return the pause's id."""
    over = datetime.now(UTC) - timedelta(seconds=1)
    pause = FlowRunState.objects.get(flow_run_id=run.uuid, type="PAUSED")
    pause.details["pause_timeout"] = over.isoformat()
    pause.save()
    FlowRun.objects.filter(pk=run.uuid).update(expires_at=over)
    Approval.objects.filter(flow_run_id=run.uuid).update(expires_at=over)
    Step.objects.filter(kind__in=["reject", "answer"]).update(at=over - timedelta(seconds=5))
    return str(pause.pk)


def give_up(run: Run, pause: str | None) -> Any:
    """Have the process of a run give up its pause, as this project's SDK or as Prefect's does."""
    headers = {"If-Match": f'"{pause}"'} if pause else None
    return run.api.request("POST", f"/flow_runs/{run.id}/set_state", FAILED, headers)


def outcome_of(run: Run) -> str:
    return Approval.objects.get(flow_run_id=run.uuid).outcome


def test_a_policy_rejects_before_the_flow_that_waits_gives_up(run: Run) -> None:
    hold(REJECTS, "refunds")
    ask(run)
    assert give_up(run, miss_the_end(run)).status_code == 412
    assert run.read()["state"]["message"] == "Rejected by (policy): nobody answered"
    assert outcome_of(run) == "rejected"
    assert Decision.objects.get().decided_by == "policy:refunds"


def test_a_policy_answers_before_the_flow_that_waits_gives_up(run: Run) -> None:
    hold(ANSWERS)
    run.pause()
    assert give_up(run, miss_the_end(run)).status_code == 412
    assert (run.read()["state_type"], outcome_of(run)) == ("RUNNING", "answered")


def test_a_suspended_run_ends_as_its_policy_says_once_the_loops_are_back(make_run: Make) -> None:
    hold(REJECTS)
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    miss_the_end(run)
    expire_pauses()
    assert outcome_of(run) == "rejected"


def test_a_client_that_gives_up_by_its_own_clock_is_not_answered_afterwards(run: Run) -> None:
    """It would not hear of it: one of Prefect's has left the pause by then."""
    hold(ANSWERS)
    run.pause()
    miss_the_end(run)
    take_due_steps()
    give_up(run, None)
    assert (run.read()["state_type"], outcome_of(run)) == ("FAILED", "expired")


def test_a_blocking_pause_that_nobody_gives_up_expires(run: Run) -> None:
    hold(ANSWERS)
    run.pause()
    miss_the_end(run)
    take_due_steps()
    assert expire_pauses() == 1
    assert outcome_of(run) == "expired"


def test_a_pause_without_such_a_policy_expires_as_ever(run: Run) -> None:
    hold("anyone; at the end fail")
    run.pause()
    assert give_up(run, miss_the_end(run)).status_code == 201
    assert outcome_of(run) == "expired"
