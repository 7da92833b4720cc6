import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from flowruns.domain.actors import api_key
from flowruns.domain.rules import judge
from flowruns.domain.states import StateType, running
from flowruns.models import FlowRunState
from flowruns.services.runs.states import set_flow_run_state
from tests.integration.conftest import Api, Make, Run


def test_an_accepted_state_is_answered_with_201_and_becomes_the_runs_state(run: Run) -> None:
    result = run.propose("COMPLETED", message="All done", data={"type": "unpersisted"})
    assert (result["http"], result["status"], result["details"]) == (
        201,
        "ACCEPT",
        {"type": "accept_details"},
    )
    read = run.read()
    assert read["state"] == result["state"]
    assert (read["state_id"], read["state_name"]) == (result["state"]["id"], "Completed")
    assert (read["state"]["message"], read["state"]["data"]) == (
        "All done",
        {"type": "unpersisted"},
    )


def test_a_rejected_state_is_answered_with_200_and_the_state_the_run_keeps(make_run: Make) -> None:
    run = make_run(state="PENDING")
    result = run.pause()
    assert (result["http"], result["status"], result["state"]["type"]) == (200, "REJECT", "PENDING")
    assert result["details"] == {
        "type": "reject_details",
        "reason": "Cannot pause flows that are not currently running.",
    }


def test_a_failure_with_retries_left_is_replaced_by_awaiting_retry(make_run: Make) -> None:
    run = make_run(empirical_policy={"retries": 1, "retry_delay": 60})
    result = run.propose("FAILED", message="Oops")
    assert (result["http"], result["status"]) == (201, "REJECT")
    assert (result["state"]["name"], result["state"]["message"]) == ("AwaitingRetry", "Oops")
    waiting = run.propose("RUNNING")
    assert (waiting["http"], waiting["status"]) == (200, "WAIT")
    assert 55 <= waiting["details"]["delay_seconds"] <= 60


def test_a_blocking_pause_uses_up_no_retry(make_run: Make) -> None:
    run = make_run(empirical_policy={"retries": 1})
    run.pause()
    run.resume()
    assert run.read()["run_count"] == 1
    assert run.propose("FAILED")["state"]["name"] == "AwaitingRetry"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["RUNNING", "SCHEDULED"])
def test_a_pause_that_asks_is_left_by_resume_alone(run: Run, force: bool, kind: str) -> None:
    run.pause_for_input()
    assert run.propose(kind, force=force)["status"] == "REJECT"
    assert run.put("paused-1-response", json.dumps({"approve": True})).status_code == 403
    assert run.propose(kind, force=force)["status"] == "REJECT"
    assert run.read()["state_type"] == "PAUSED"
    assert run.resume({"approve": True})["status"] == "ACCEPT"


@pytest.mark.parametrize("force", [True, False])
def test_a_run_whose_process_is_lost_in_a_pause_asks_again(make_run: Make, force: bool) -> None:
    run = make_run()
    run.enter("RUNNING")
    assert run.pause("ready")["status"] == "ACCEPT"
    assert run.propose("SCHEDULED", name="AwaitingRetry", force=force)["status"] == "ACCEPT"
    assert run.propose("RUNNING")["status"] == "ACCEPT"
    assert run.pause("ready")["status"] == "ACCEPT"


def test_a_forced_state_is_recorded_as_forced_with_its_actor(run: Run) -> None:
    run.propose("COMPLETED")
    assert run.propose("CRASHED")["status"] == "ABORT"
    assert run.propose("CRASHED", force=True)["status"] == "ACCEPT"
    forced = FlowRunState.objects.get(flow_run_id=run.uuid, type="CRASHED")
    assert (forced.forced, str(forced.actor)) == (True, "api_key:tests")


def test_every_transition_records_its_actor_in_order(run: Run) -> None:
    run.pause()
    run.resume()
    history = FlowRunState.objects.filter(flow_run_id=run.uuid).order_by("version")
    assert [state.type for state in history] == ["PENDING", "RUNNING", "PAUSED", "RUNNING"]
    assert {str(state.actor) for state in history} == {"api_key:tests"}
    assert [state["type"] for state in run.states()] == [state.type for state in history]


def test_a_repeated_request_for_one_transition_writes_one_state(run: Run) -> None:
    details = {"transition_id": str(uuid4())}
    assert run.propose("COMPLETED", state_details=details)["status"] == "ACCEPT"
    assert run.propose("COMPLETED", state_details=details)["status"] == "REJECT"
    assert [state["type"] for state in run.states()].count("COMPLETED") == 1


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_deadline_keeps_its_length_when_the_clients_clock_is_wrong(
    run: Run, skew: timedelta
) -> None:
    clients_now = datetime.now(UTC) + skew
    deadline = (clients_now + timedelta(seconds=60)).isoformat()
    body = {
        "state": {"type": "PAUSED", "state_details": {"pause_key": "1", "pause_timeout": deadline}}
    }
    response = run.api.request(
        "POST",
        f"/flow_runs/{run.id}/set_state",
        body,
        headers={"Date": format_datetime(clients_now, usegmt=True)},
    )
    stored = json.loads(response.content)["state"]["state_details"]["pause_timeout"]
    left = datetime.fromisoformat(stored) - datetime.now(UTC)
    assert timedelta(seconds=55) < left < timedelta(seconds=65)
    assert run.resume()["status"] == "ACCEPT"


@pytest.mark.parametrize("date", ["nonsense", "Mon, 99 Nov 2026 00:00:00 GMT", ""])
def test_a_date_that_cannot_be_read_is_ignored(run: Run, date: str) -> None:
    body = {"state": {"type": "COMPLETED"}}
    response = run.api.request(
        "POST", f"/flow_runs/{run.id}/set_state", body, headers={"Date": date}
    )
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"pause_key": "approval_1"}, "pause_key"),
        ({"pause_key": "É"}, "pause_key"),
        ({"run_input_keyset": {"response": "a"}}, "run_input_keyset"),
        ({"run_input_keyset": {"schema": "a b", "response": "a"}}, "run_input_keyset"),
        ({"pause_timeout": "soon"}, "pause_timeout"),
        ({"pause_timeout": "0001-01-01T00:00:00+14:00"}, "pause_timeout"),
        ({"transition_id": "nonsense"}, "transition_id"),
    ],
)
def test_malformed_details_are_refused_by_name(
    run: Run, details: dict[str, Any], field: str
) -> None:
    body = {"state": {"type": "PAUSED", "state_details": details}}
    response = run.api.post(f"/flow_runs/{run.id}/set_state", body)
    assert response.status_code == 422
    assert field in json.loads(response.content)["detail"][0]["loc"]


def test_a_nul_character_is_refused_where_it_stands(run: Run) -> None:
    body = {"state": {"type": "FAILED", "message": "a\x00b"}}
    response = run.api.post(f"/flow_runs/{run.id}/set_state", body)
    assert response.status_code == 422
    assert "message" in response.content.decode()
    assert "NUL" in response.content.decode()


def test_an_unknown_run_has_no_state_to_set(api: Api) -> None:
    body = {"state": {"type": "RUNNING"}}
    response = api.post(f"/flow_runs/{uuid4()}/set_state", body)
    assert (response.status_code, json.loads(response.content)) == (
        404,
        {"detail": "Flow run not found"},
    )


def test_a_state_is_proposed_in_the_place_of_another_or_not_at_all(run: Run) -> None:
    stale = run.read()["state_id"]
    run.pause()
    body = {"state": {"type": "FAILED"}}
    path = f"/flow_runs/{run.id}/set_state"
    refused = run.api.request("POST", path, body, headers={"If-Match": f'"{stale}"'})
    assert refused.status_code == 412
    assert "no longer" in json.loads(refused.content)["detail"]
    assert run.read()["state_type"] == "PAUSED"
    current = run.read()["state_id"]
    accepted = run.api.request("POST", path, body, headers={"If-Match": f'"{current}"'})
    assert accepted.status_code == 201


def test_times_and_counts_follow_the_run(run: Run) -> None:
    run.pause()
    run.resume()
    run.propose("COMPLETED")
    read = run.read()
    assert read["run_count"] == 1
    assert read["start_time"] < read["end_time"]
    assert read["total_run_time"] > 0
    assert read["estimated_run_time"] == read["total_run_time"]


@pytest.mark.django_db(transaction=True)
def test_of_a_resume_and_a_rejection_at_the_same_moment_one_wins(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rejection judges the pause; before it writes, the run is resumed."""
    run = make_run()
    run.pause()
    resumed = threading.Event()

    def resume_elsewhere() -> None:
        try:
            set_flow_run_state(
                run.uuid, proposed=running(), actor=api_key("other", may_resume=True)
            )
        finally:
            resumed.set()
            connection.close()

    other = threading.Thread(target=resume_elsewhere)

    def judge_late(*args: Any) -> Any:
        verdict = judge(*args)
        if args[0].proposed.type is StateType.CANCELLED and other.ident is None:
            other.start()
            # On SQLite the other waits for our transaction instead
            resumed.wait(timeout=5 if connection.vendor == "postgresql" else 0.1)
        return verdict

    monkeypatch.setattr("flowruns.services.runs.states.judge", judge_late)
    run.propose("CANCELLED")
    other.join()
    types = [state["type"] for state in run.states()]
    if connection.vendor == "postgresql":
        assert types == ["PENDING", "RUNNING", "PAUSED", "RUNNING", "CANCELLED"]
    else:
        assert types == ["PENDING", "RUNNING", "PAUSED", "CANCELLED", "RUNNING"]
    assert run.read()["state_type"] == types[-1]
