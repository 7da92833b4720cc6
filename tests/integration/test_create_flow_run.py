import json
from typing import Any
from uuid import uuid4

import pytest

from flowruns.domain.states import StateType
from flowruns.models import LogLine
from tests.integration.conftest import Api, Make, Run


@pytest.fixture
def flow_id(api: Api) -> str:
    flow: dict[str, Any] = json.loads(api.post("/flows/", {"name": "refund"}).content)
    return str(flow["id"])


def create(api: Api, **body: Any) -> tuple[int, dict[str, Any]]:
    response = api.post("/flow_runs/", body)
    return response.status_code, json.loads(response.content)


def test_a_flow_is_created_once_and_found_by_name(api: Api) -> None:
    first = api.post("/flows/", {"name": "a flow with é", "tags": ["t"]})
    again = api.post("/flows/", {"name": "a flow with é"})
    assert (first.status_code, again.status_code) == (201, 200)
    flow = json.loads(first.content)
    assert json.loads(again.content) == flow
    assert json.loads(api.get("/flows/name/a flow with é").content) == flow
    assert json.loads(api.get(f"/flows/{flow['id']}").content) == flow
    assert api.get(f"/flows/{uuid4()}").status_code == 404
    assert api.get("/flows/name/nope").status_code == 404


@pytest.mark.parametrize("name", ["", "a/b", "50%", "a&b", "<b>", 3, None])
def test_a_flow_needs_a_name_that_fits_an_address(api: Api, name: Any) -> None:
    response = api.post("/flows/", {"name": name})
    assert response.status_code == 422
    assert json.loads(response.content)["detail"][0]["loc"] == ["body", "name"]


def test_a_new_run_is_pending_and_named_if_nobody_named_it(api: Api, flow_id: str) -> None:
    status, run = create(api, flow_id=flow_id, name="")
    assert status == 201
    assert (run["state_type"], run["state"]["name"]) == ("PENDING", "Pending")
    assert "-" in run["name"]
    assert run["created_by"]["display_value"] == "api_key:tests"


def test_everything_a_client_sends_comes_back(api: Api, flow_id: str) -> None:
    sent = {
        "name": "mine",
        "flow_version": "7",
        "parameters": {"z": [1, 1.5, None, "é"], "a": {"b": True}},
        "context": {"c": 1},
        "tags": ["b", "a", "b"],
        "labels": {"team": "x"},
        "parent_task_run_id": str(uuid4()),
        "work_queue_name": "q",
        "job_variables": {"cpu": 1},
        "empirical_policy": {"retries": 2, "retry_delay": 5},
    }
    _, run = create(api, flow_id=flow_id, unheard_of=1, **sent)
    read = json.loads(api.get(f"/flow_runs/{run['id']}").content)
    labels = {"prefect.flow.id": flow_id, "team": "x"}
    assert {**sent, "tags": ["a", "b"], "labels": labels} == {
        **{name: read[name] for name in sent},
        "empirical_policy": {
            name: read["empirical_policy"][name] for name in ("retries", "retry_delay")
        },
    }


_GROWING = {"estimated_run_time", "estimated_start_time_delta"}


@pytest.mark.parametrize("kind", [None, *StateType])
def test_a_new_run_is_answered_as_it_is_read(api: Api, flow_id: str, kind: str | None) -> None:
    """It is answered from what was sent, and read from the database."""
    state: dict[str, Any] = {"state": {"type": kind, "data": {"a": [1.5, None]}}} if kind else {}
    sent = {"parameters": {"b": 1, "a": "ü"}, "tags": ["b", "a"], "context": {"c": {}}}
    _, made = create(api, flow_id=flow_id, **sent, **state)
    read = Run(api, made["id"]).read()
    assert {name for name in made if made[name] != read[name]} <= _GROWING
    assert made.keys() == read.keys()


def test_a_scheduled_run_without_a_time_is_due_now(api: Api, flow_id: str) -> None:
    _, run = create(api, flow_id=flow_id, state={"type": "SCHEDULED"})
    assert run["next_scheduled_start_time"] == run["expected_start_time"]
    assert run["next_scheduled_start_time"] is not None


def test_an_idempotency_key_makes_one_run(api: Api, flow_id: str) -> None:
    first = create(api, flow_id=flow_id, idempotency_key="k", name="first")
    again = create(api, flow_id=flow_id, idempotency_key="k", name="second")
    assert (first[0], again[0]) == (201, 200)
    assert first[1]["id"] == again[1]["id"]
    other = json.loads(api.post("/flows/", {"name": "other"}).content)
    assert create(api, flow_id=other["id"], idempotency_key="k")[0] == 201


def test_a_run_of_no_flow_is_not_created(api: Api) -> None:
    assert create(api, flow_id=str(uuid4()))[0] == 404


def test_only_what_is_sent_is_changed(make_run: Make) -> None:
    run = make_run(name="before", tags=["t"], empirical_policy={"retries": 1})
    patch = {"name": "after", "empirical_policy": {"retry_delay": 3}}
    assert run.api.request("PATCH", f"/flow_runs/{run.id}", patch).status_code == 204
    read = run.read()
    assert (read["name"], read["tags"], read["state_type"]) == ("after", ["t"], "RUNNING")
    policy = read["empirical_policy"]
    assert (policy["retries"], policy["retry_delay"]) == (1, 3)
    assert run.api.request("PATCH", f"/flow_runs/{uuid4()}", patch).status_code == 404


def test_a_deleted_run_is_gone_with_its_logs(run: Run) -> None:
    line = {"name": "l", "level": 20, "message": "m", "timestamp": "2026-11-23T00:00:00Z"}
    run.api.post("/logs/", [{**line, "flow_run_id": run.id}])
    assert run.api.request("DELETE", f"/flow_runs/{run.id}").status_code == 204
    assert run.api.get(f"/flow_runs/{run.id}").status_code == 404
    assert run.states() == []
    assert not LogLine.objects.exists()
    assert run.api.request("DELETE", f"/flow_runs/{run.id}").status_code == 404


def test_a_state_is_read_by_its_id(run: Run) -> None:
    state = run.read()["state"]
    assert json.loads(run.api.get(f"/flow_run_states/{state['id']}").content) == state
    assert run.api.get(f"/flow_run_states/{uuid4()}").status_code == 404
