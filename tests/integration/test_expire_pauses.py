from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from flowruns.domain.actors import api_key
from flowruns.models import FlowRun, FlowRunState
from flowruns.services.runs.resume import resume_flow_run
from flowruns.services.runs.states import replace_state
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import Make, Run


def test_an_overdue_pause_fails_in_the_name_of_the_server(run: Run) -> None:
    run.pause_for_input(seconds=-1)
    assert expire_pauses() == 1
    state = run.read()["state"]
    assert (state["type"], state["message"]) == (
        "FAILED",
        "The flow was paused and never resumed.",
    )
    assert str(FlowRunState.objects.latest("timestamp").actor) == "server:expiry"


def test_an_overdue_suspension_fails_too(make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause(seconds=-1, pause_reschedule=True)
    assert expire_pauses() == 1
    assert run.read()["state"]["message"] == "The flow was suspended and never resumed."


def test_what_is_not_overdue_or_not_paused_is_left_alone(make_run: Make) -> None:
    waiting, resumed, endless = make_run(), make_run(), make_run()
    waiting.pause(seconds=60)
    resumed.pause(seconds=60)
    resumed.resume()
    endless.propose("PAUSED", state_details={"pause_key": "1"})
    assert expire_pauses() == 0
    assert FlowRun.objects.filter(expires_at=None).count() == 2


def test_an_overdue_pause_is_not_retried(make_run: Make) -> None:
    run = make_run(empirical_policy={"retries": 3})
    run.pause(seconds=-1)
    expire_pauses()
    assert run.read()["state_type"] == "FAILED"


def test_the_oldest_are_failed_first(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowruns.services.upkeep.expiry._BATCH", 1)
    younger, older = make_run(), make_run()
    younger.pause(seconds=-5)
    older.pause(seconds=-50)
    assert expire_pauses() == 1
    assert (older.read()["state_type"], younger.read()["state_type"]) == ("FAILED", "PAUSED")


def test_a_resume_that_came_first_stands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause is found overdue; before it is failed, its deadline moves and it is resumed."""
    run.pause(seconds=-1)

    def resume_first(flow_run_id: UUID, **kwargs: Any) -> Any:
        later = datetime.now(UTC) + timedelta(hours=1)
        pause = FlowRunState.objects.get(flow_run_id=run.uuid, type="PAUSED")
        pause.details["pause_timeout"] = later.isoformat()
        pause.save()
        resume_flow_run(flow_run_id, run_input=None, actor=api_key("first"))
        return replace_state(flow_run_id, **kwargs)

    monkeypatch.setattr("flowruns.services.upkeep.expiry.replace_state", resume_first)
    assert expire_pauses() == 0
    assert run.read()["state_type"] == "RUNNING"


def test_a_run_that_was_deleted_meanwhile_is_nothing_to_fail(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.pause(seconds=-1)

    def delete_first(flow_run_id: UUID, **kwargs: Any) -> Any:
        run.api.request("DELETE", f"/flow_runs/{run.id}")
        return replace_state(flow_run_id, **kwargs)

    monkeypatch.setattr("flowruns.services.upkeep.expiry.replace_state", delete_first)
    assert expire_pauses() == 0
