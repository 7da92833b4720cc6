"""What a key that may only run flows tries, to answer a pause that waits for a person."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from flowruns.models import FlowRunState, RunInput
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Make, Run

FORGED = json.dumps({"approve": True})
KEYSET = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}


@pytest.fixture
def flows(db: None) -> Api:
    """A key without the scope `resume`."""
    return Api(create_api_key("robot", scopes=["flows"]))


@pytest.fixture
def forger(run: Run, flows: Api) -> Run:
    """The run that everybody talks about, in the hands of that key."""
    return replace(run, api=flows)


def delete(run: Run, key: str) -> int:
    return run.api.request("DELETE", f"/flow_runs/{run.id}/input/{key}").status_code


def patch(run: Run, **changes: object) -> None:
    response = run.api.request("PATCH", f"/flow_runs/{run.id}", changes)
    assert response.status_code == 204, response.content


def force(run: Run, kind: str, **details: object) -> str:
    status: str = run.propose(kind, force=True, state_details=details)["status"]
    return status


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("kind", ["RUNNING", "SCHEDULED", "PENDING", "COMPLETED", "PAUSED"])
@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("suspended", [False, True])
def test_a_paused_run_is_taken_nowhere_but_to_its_end(
    make_run: Make, flows: Api, asks: bool, suspended: bool, kind: str, forced: bool
) -> None:
    run = make_run(deployed=True)
    keyset: dict[str, Any] = {"run_input_keyset": KEYSET} if asks else {}
    run.put("paused-1-schema", "{}")
    run.pause(pause_reschedule=suspended, **keyset)
    forger = replace(run, api=flows)
    forger.put("paused-1-response", FORGED)
    assert forger.propose(kind, force=forced)["status"] == "REJECT"
    assert run.read()["state_type"] == "PAUSED"


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize("kind", ["FAILED", "CANCELLED", "CRASHED"])
def test_a_paused_run_may_be_ended(run: Run, forger: Run, kind: str, forced: bool) -> None:
    run.pause_for_input()
    assert forger.propose(kind, force=forced)["status"] == "ACCEPT"


def test_the_answer_of_a_pause_is_neither_written_nor_deleted_nor_replaced(
    run: Run, forger: Run
) -> None:
    run.pause_for_input()
    assert forger.put("paused-1-response", FORGED).status_code == 403
    run.resume({"approve": False})
    assert delete(forger, "paused-1-response") == 403
    assert forger.put("paused-1-response", FORGED).status_code == 403
    assert json.loads(run.read_input("paused-1-response").content)["approve"] is False


def test_even_a_key_with_both_scopes_answers_by_resume_alone(run: Run) -> None:
    run.pause_for_input()
    refused = run.put("paused-1-response", FORGED)
    assert refused.status_code == 403
    assert (
        json.loads(refused.content)["detail"] == "The answer to a pause is written by resume alone."
    )
    assert run.propose("RUNNING")["status"] == "REJECT"


def test_an_answer_that_was_planted_before_the_pause_is_gone(run: Run, forger: Run) -> None:
    assert forger.put("paused-1-response", FORGED).status_code == 201
    run.pause_for_input()
    assert run.read_input("paused-1-response").status_code == 404
    assert forger.propose("RUNNING", force=True)["status"] == "REJECT"
    run.resume({"approve": False})
    assert json.loads(run.read_input("paused-1-response").content)["approve"] is False


def test_an_answer_of_another_origin_does_not_end_a_pause(run: Run) -> None:
    """As a retry would copy it, or an older release has stored it."""
    run.pause_for_input()
    RunInput.objects.create(
        flow_run_id=run.uuid,
        key="paused-1-response",
        value=FORGED,
        actor_kind="server",
        actor_name="copy",
    )
    assert run.propose("RUNNING", force=True)["status"] == "REJECT"
    assert run.propose("SCHEDULED")["status"] == "REJECT"


def test_a_pause_is_not_pointed_at_a_planted_answer(run: Run, forger: Run) -> None:
    run.pause_for_input()
    forger.put("planted", FORGED)
    keyset = {"schema": "paused-1-schema", "response": "planted"}
    assert force(forger, "PAUSED", pause_key="2", run_input_keyset=keyset) == "REJECT"
    assert force(forger, "PAUSED", pause_key="2") == "REJECT"
    assert run.read()["state"]["state_details"]["run_input_keyset"] == KEYSET


@pytest.mark.parametrize("end", ["FAILED", "CANCELLED", "CRASHED", "CANCELLING"])
@pytest.mark.parametrize("again", ["RUNNING", "SCHEDULED", "PENDING"])
def test_an_end_is_no_detour_to_the_process_that_waits(
    make_run: Make, flows: Api, end: str, again: str
) -> None:
    """That process of Prefect's client looks for RUNNING alone, and may miss the end."""
    run = make_run(deployed=True)
    run.pause()
    forger = replace(run, api=flows)
    assert force(forger, end) == "ACCEPT"
    assert force(forger, again) == "REJECT"
    assert force(forger, "FAILED") in {"ACCEPT", "REJECT"}
    assert forger.propose(again)["status"] in {"REJECT", "ABORT"}
    assert run.read()["state_type"] not in {"RUNNING", "SCHEDULED", "PENDING"}


def test_who_may_resume_starts_an_ended_run_again(run: Run) -> None:
    run.pause()
    run.propose("FAILED")
    assert run.propose("RUNNING")["status"] == "ACCEPT"


def test_a_rejected_run_is_started_again_by_who_may_resume_alone(run: Run, forger: Run) -> None:
    run.pause()
    run.propose("CANCELLED", name="Rejected", message="Rejected by bob: no")
    assert force(forger, "RUNNING") == "REJECT"


def test_pauses_that_never_were_are_not_believed(run: Run, forger: Run) -> None:
    """A pause that has fired is not asked again: its stored answer is read."""
    patch(forger, empirical_policy={"pause_keys": ["1"], "retries": 3})
    forger.put("paused-1-response", FORGED)
    assert run.read()["empirical_policy"]["pause_keys"] == []
    assert run.read()["empirical_policy"]["retries"] == 3
    assert run.pause_for_input()["status"] == "ACCEPT"
    assert run.read_input("paused-1-response").status_code == 404


def test_a_run_is_not_made_with_pauses_that_never_were(make_run: Make) -> None:
    run = make_run(empirical_policy={"pause_keys": ["1"]})
    assert run.pause_for_input()["status"] == "ACCEPT"


def test_pauses_that_were_are_not_forgotten(run: Run, forger: Run) -> None:
    run.pause_for_input()
    run.resume({"approve": False})
    patch(forger, empirical_policy={"pause_keys": []})
    assert run.read()["empirical_policy"]["pause_keys"] == ["1"]


def test_a_run_that_starts_over_has_no_answer_left(run: Run, forger: Run) -> None:
    run.pause_for_input()
    run.resume({"approve": True})
    patch(forger, empirical_policy={"pause_keys": []})
    forger.propose("FAILED")
    forger.propose("RUNNING")
    assert run.read_input("paused-1-response").status_code == 404


@pytest.mark.parametrize("path", ["/task_runs/{id}/set_state", "/flow_runs/bulk_set_state"])
def test_other_routes_do_not_move_a_paused_run(run: Run, forger: Run, path: str) -> None:
    run.pause_for_input()
    forger.api.post(path.format(id=run.id), {"state": {"type": "RUNNING"}, "force": True})
    assert run.read()["state_type"] == "PAUSED"


def test_a_paused_run_whose_deployment_goes_still_waits(make_run: Make, flows: Api) -> None:
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    flows.request("DELETE", f"/deployments/{run.read()['deployment_id']}")
    assert force(replace(run, api=flows), "SCHEDULED") == "REJECT"


def test_a_new_run_of_the_same_idempotency_key_leaves_the_old_one_paused(
    make_run: Make, flows: Api
) -> None:
    key = str(uuid4())
    run = make_run(idempotency_key=key)
    run.pause()
    body = {"flow_id": run.read()["flow_id"], "idempotency_key": key, "state": {"type": "RUNNING"}}
    assert flows.post("/flow_runs/", body).status_code == 200
    assert run.read()["state_type"] == "PAUSED"


def test_history_names_whoever_was_refused_nowhere(run: Run, forger: Run) -> None:
    run.pause_for_input()
    forger.put("paused-1-response", FORGED)
    forger.propose("RUNNING", force=True)
    states = FlowRunState.objects.filter(flow_run_id=run.uuid)
    assert "robot" not in states.values_list("actor_name", flat=True)
