"""Task runs by REST, as Prefect's client asks for a few of them."""

import json
from typing import Any
from uuid import uuid4

from tests.integration.conftest import Api, Make, Run


def create(api: Api, **fields: Any) -> tuple[int, dict[str, Any]]:
    response = api.post("/task_runs/", {"task_key": "send", "dynamic_key": "0", **fields})
    return response.status_code, json.loads(response.content)


def propose(api: Api, task_run_id: str, kind: str, **state: Any) -> dict[str, Any]:
    body = {"state": {"type": kind, **state}, "force": False}
    response = api.post(f"/task_runs/{task_run_id}/set_state", body)
    assert response.status_code in {200, 201}, response.content
    return {"http": response.status_code, **json.loads(response.content)}


def read(api: Api, task_run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(api.get(f"/task_runs/{task_run_id}").content)
    return found


def test_a_task_run_is_created_once_for_each_call_of_a_flow_run(run: Run) -> None:
    first = create(run.api, flow_run_id=run.id)
    again = create(run.api, flow_run_id=run.id)

    assert (first[0], again[0]) == (201, 200)
    assert first[1]["id"] == again[1]["id"]
    assert first[1]["state"]["type"] == "PENDING"
    assert first[1]["state"]["state_details"]["task_run_id"] == first[1]["id"]


def test_a_task_run_keeps_the_id_that_its_process_gave_it(run: Run) -> None:
    task_run_id = str(uuid4())
    status, created = create(run.api, id=task_run_id, flow_run_id=run.id)
    assert (status, created["id"]) == (201, task_run_id)
    status, refusal = create(run.api, id=task_run_id, dynamic_key="other")
    assert (status, "another call" in refusal["detail"]) == (409, True)


def test_states_count_executions_and_time(run: Run) -> None:
    _, created = create(run.api, flow_run_id=run.id)
    assert propose(run.api, created["id"], "RUNNING")["http"] == 201
    propose(run.api, created["id"], "COMPLETED")

    found = read(run.api, created["id"])
    assert (found["run_count"], found["state_name"]) == (1, "Completed")
    assert found["start_time"] <= found["end_time"]
    states = json.loads(run.api.get(f"/task_run_states/?task_run_id={created['id']}").content)
    assert [state["type"] for state in states] == ["PENDING", "RUNNING", "COMPLETED"]
    one = run.api.get(f"/task_run_states/{states[0]['id']}")
    assert json.loads(one.content) == states[0]


def test_an_ended_task_run_is_not_stopped(run: Run) -> None:
    _, created = create(run.api)
    propose(run.api, created["id"], "COMPLETED", data={"type": "reference"})

    stopped = propose(run.api, created["id"], "CRASHED")
    assert (stopped["status"], stopped["http"]) == ("ABORT", 200)
    assert stopped["details"]["reason"] == "Run is already COMPLETED."
    again = propose(run.api, created["id"], "RUNNING")
    assert again["status"] == "REJECT"
    assert again["details"]["reason"] == "This run is already completed."


def test_a_completed_task_run_without_a_kept_result_runs_again(run: Run) -> None:
    _, created = create(run.api)
    propose(run.api, created["id"], "COMPLETED", data={"type": "unpersisted"})
    assert propose(run.api, created["id"], "RUNNING")["status"] == "ACCEPT"


def test_a_task_run_is_renamed_and_deleted(run: Run) -> None:
    _, created = create(run.api)
    path = f"/task_runs/{created['id']}"
    assert run.api.request("PATCH", path, {"name": "second"}).status_code == 204
    assert read(run.api, created["id"])["name"] == "second"
    assert run.api.request("DELETE", path).status_code == 204
    for method in ("GET", "DELETE"):
        assert run.api.request(method, path).status_code == 404
    assert run.api.request("PATCH", path, {"name": "x"}).status_code == 404
    body = {"state": {"type": "RUNNING"}}
    assert run.api.post(f"{path}/set_state", body).status_code == 404
    assert run.api.get(f"/task_run_states/{uuid4()}").status_code == 404


def test_a_deleted_flow_run_takes_its_task_runs_with_it(run: Run) -> None:
    _, created = create(run.api, flow_run_id=run.id)
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    assert run.api.get(f"/task_runs/{created['id']}").status_code == 404


def test_the_task_run_of_a_subflow_follows_its_states(make_run: Make) -> None:
    parent = make_run()
    _, created = create(parent.api, flow_run_id=parent.id)
    child = make_run(parent_task_run_id=created["id"])
    child.propose("COMPLETED")

    found = read(parent.api, created["id"])
    assert found["state"]["type"] == "COMPLETED"
    assert found["state"]["state_details"]["child_flow_run_id"] == child.id
    assert found["state"]["id"] != child.read()["state"]["id"]


def test_a_subflow_of_an_unknown_task_run_runs_too(make_run: Make) -> None:
    child = make_run(parent_task_run_id=str(uuid4()))
    assert child.propose("COMPLETED")["status"] == "ACCEPT"
