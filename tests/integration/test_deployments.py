import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from flowruns.models import Deployment
from tests.integration.conftest import Api, Make, Run

SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}


def create(api: Api, **fields: Any) -> tuple[int, dict[str, Any]]:
    flow = json.loads(api.post("/flows/", {"name": "refund"}).content)
    body = {"name": "nightly", "flow_id": flow["id"], **fields}
    response = api.post("/deployments/", body)
    return response.status_code, json.loads(response.content)


def start(api: Api, deployment: dict[str, Any], **fields: Any) -> tuple[int, dict[str, Any]]:
    response = api.post(f"/deployments/{deployment['id']}/create_flow_run", fields)
    return response.status_code, json.loads(response.content)


def scheduled(api: Api, deployment: dict[str, Any], **query: Any) -> list[str]:
    body = {"deployment_ids": [deployment["id"]], **query}
    response = api.post("/deployments/get_scheduled_flow_runs", body)
    assert response.status_code == 200, response.content
    return [run["id"] for run in json.loads(response.content)]


def test_a_deployment_is_made_once_and_changed_by_what_is_sent(api: Api) -> None:
    first = create(api, tags=["a"], entrypoint="flows.py:refund", parameters={"order": 1})
    again = create(api, parameters={"order": 2})
    assert (first[0], again[0]) == (201, 200)
    assert again[1]["id"] == first[1]["id"]
    read = json.loads(api.get("/deployments/name/refund/nightly").content)
    assert (read["tags"], read["entrypoint"]) == (["a"], "flows.py:refund")
    assert read["parameters"] == {"order": 2}
    assert json.loads(api.get(f"/deployments/{read['id']}").content) == read


def test_unknown_deployments_are_not_found(api: Api) -> None:
    for path in (f"/deployments/{uuid4()}", "/deployments/name/refund/nightly"):
        response = api.get(path)
        assert (response.status_code, json.loads(response.content)["detail"]) == (
            404,
            "Deployment not found",
        )
    assert start(api, {"id": uuid4()})[0] == 404
    assert api.request("DELETE", f"/deployments/{uuid4()}").status_code == 404
    flow = json.loads(api.post("/flows/", {"name": "refund"}).content)
    run = {"flow_id": flow["id"], "deployment_id": str(uuid4())}
    assert api.post("/flow_runs/", run).status_code == 404


def test_what_cannot_be_read_is_refused_by_name(api: Api) -> None:
    status, error = create(api, concurrency_limit="x")
    assert (status, error["detail"][0]["loc"]) == (422, ["body", "concurrency_limit"])
    assert create(api, concurrency_limit=None)[0] == 201


def test_a_run_takes_from_its_deployment_what_it_does_not_say(api: Api) -> None:
    _, deployment = create(
        api, parameters={"order": 1}, tags=["d"], labels={"team": "x"}, job_variables={"cpu": 1}
    )
    status, run = start(api, deployment, parameters={"amount": 2}, tags=["r"])
    assert (status, run["state_type"], run["deployment_id"]) == (201, "SCHEDULED", deployment["id"])
    assert (run["parameters"], run["tags"]) == ({"order": 1, "amount": 2}, ["d", "r"])
    assert (run["labels"]["team"], run["job_variables"]) == ("x", {"cpu": 1})


def test_parameters_must_fit_the_schema_unless_told_otherwise(api: Api) -> None:
    _, deployment = create(api, parameter_openapi_schema=SCHEMA)
    status, error = start(api, deployment, parameters={"order": "x"})
    assert status == 409
    assert "'order'" in error["detail"]
    loose = {"parameters": {"order": "x"}, "enforce_parameter_schema": False}
    assert start(api, deployment, **loose)[0] == 201


JINJA = {"__prefect_kind": "jinja", "template": "{{ 2 + 2 }}"}
LAST_ORDER = {"__prefect_kind": "workspace_variable", "variable_name": "last-order"}


@pytest.mark.parametrize("enforced", [True, False])
def test_placeholders_among_parameters_are_replaced(api: Api, enforced: bool) -> None:
    api.post("/variables/", {"name": "last-order", "value": 7})
    _, deployment = create(
        api,
        parameter_openapi_schema=SCHEMA,
        enforce_parameter_schema=False,
        parameters={"order": LAST_ORDER},
    )
    changes = {"parameters": {"note": JINJA}, "enforce_parameter_schema": enforced}
    status, run = start(api, deployment, **changes)
    assert (status, run["parameters"]) == (201, {"order": 7, "note": "4"})


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (LAST_ORDER, "Variable 'last-order' not found in workspace."),
        (JINJA | {"template": "{{ 'a' * 10**9 }}"}, "Invalid jinja: "),
        (JINJA | {"template": "{{ '\\x00' }}"}, "NUL"),
        (JINJA | {"template": "{{ '\\ud800' }}"}, "surrogate"),
        ({"__prefect_kind": "json", "value": "[" * 300 + "]" * 300}, "nested too deeply"),
    ],
)
def test_a_placeholder_that_stands_for_nothing_is_refused(
    api: Api, given: Any, reason: str
) -> None:
    _, deployment = create(api)
    status, error = start(api, deployment, parameters={"order": given})
    assert status == 400
    assert error["detail"].startswith("Error hydrating flow run parameters: ")
    assert reason in error["detail"]
    path = f"/deployments/{deployment['id']}"
    changed = api.request("PATCH", path, {"parameters": {"order": given}})
    assert changed.status_code == 400
    assert "Error hydrating deployment parameters: " in json.loads(changed.content)["detail"]


def test_parameters_of_a_deployment_are_replaced_when_they_change(api: Api) -> None:
    _, deployment = create(api)
    path = f"/deployments/{deployment['id']}"
    assert api.request("PATCH", path, {"parameters": {"order": JINJA}}).status_code == 204
    assert json.loads(api.get(path).content)["parameters"] == {"order": "4"}


def test_due_runs_are_listed_soonest_first(api: Api) -> None:
    _, deployment = create(api)
    now = datetime.now(UTC)

    def at(minutes: int) -> str:
        state = {
            "type": "SCHEDULED",
            "state_details": {"scheduled_time": (now + timedelta(minutes=minutes)).isoformat()},
        }
        return str(start(api, deployment, state=state)[1]["id"])

    later, second, first = at(30), at(-1), at(-2)
    assert scheduled(api, deployment) == [first, second]
    assert scheduled(api, deployment, limit=1) == [first]
    soon = (now + timedelta(hours=1)).isoformat()
    assert scheduled(api, deployment, scheduled_before=soon) == [first, second, later]


def test_a_run_is_taken_once(api: Api) -> None:
    _, deployment = create(api)
    run = Run(api, start(api, deployment)[1]["id"])
    assert run.propose("PENDING")["status"] == "ACCEPT"
    assert run.propose("PENDING")["status"] == "ABORT"
    assert scheduled(api, deployment) == []


def test_a_resumed_run_is_due_again(api: Api, make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    deployment = json.loads(api.get("/deployments/name/refund/nightly").content)
    assert scheduled(api, deployment) == []
    run.resume()
    assert scheduled(api, deployment) == [run.id]


def test_a_deployment_is_ready_while_somebody_asks_for_its_runs(api: Api) -> None:
    _, deployment = create(api)
    assert (deployment["status"], deployment["last_polled"]) == ("NOT_READY", None)
    scheduled(api, deployment)
    assert json.loads(api.get(f"/deployments/{deployment['id']}").content)["status"] == "READY"
    Deployment.objects.update(last_polled=datetime.now(UTC) - timedelta(minutes=5))
    assert json.loads(api.get(f"/deployments/{deployment['id']}").content)["status"] == "NOT_READY"


def test_runs_outlive_their_deployment(api: Api, make_run: Make) -> None:
    run = make_run(deployed=True)
    deployment_id = run.read()["deployment_id"]
    assert api.request("DELETE", f"/deployments/{deployment_id}").status_code == 204
    assert run.read()["deployment_id"] is None


def test_a_deployment_is_changed_by_what_is_sent_alone(api: Api) -> None:
    _, deployment = create(api, tags=["a"], description="old", parameters={"order": 1})
    path = f"/deployments/{deployment['id']}"
    changes = {"description": None, "tags": None, "paused": True, "unheard of": 1}
    assert api.request("PATCH", path, changes).status_code == 204
    read = json.loads(api.get(path).content)
    assert (read["description"], read["tags"], read["paused"]) == (None, ["a"], True)
    assert read["parameters"] == {"order": 1}
    assert api.request("PATCH", f"/deployments/{uuid4()}", {}).status_code == 404
    assert api.request("PATCH", path, {"work_pool_name": "x"}).status_code == 404


def test_deployments_are_selected_sorted_and_cut(api: Api, make_run: Make) -> None:
    make_run(deployed=True)  # of "nightly"
    create(api, name="hourly", tags=["x"])

    def names(**query: Any) -> list[str]:
        response = api.post("/deployments/filter", query)
        return [found["name"] for found in json.loads(response.content)]

    assert names() == ["hourly", "nightly"]
    assert names(sort="NAME_DESC") == ["nightly", "hourly"]
    assert names(sort="CREATED_DESC") == names(sort="UPDATED_DESC") == ["hourly", "nightly"]
    assert names(limit=1, offset=1) == ["nightly"]
    assert names(deployments={"tags": {"any_": ["x"]}}) == ["hourly"]
    assert names(flows={"name": {"any_": ["refund"]}}) == ["hourly", "nightly"]
    assert names(flows={"name": {"any_": ["audit"]}}) == []
    assert names(flow_runs={"state": {"type": {"any_": ["RUNNING"]}}}) == ["nightly"]
    counted = api.post("/deployments/count", {"deployments": {"name": {"like_": "ourl"}}})
    assert counted.content == b"1"
    page = json.loads(api.post("/deployments/paginate", {"limit": 1}).content)
    assert ([found["name"] for found in page["results"]], page["pages"]) == (["hourly"], 2)


def test_a_run_may_name_another_queue_than_its_deployment(api: Api) -> None:
    _, deployment = create(api, work_queue_name="slow")
    assert start(api, deployment)[1]["work_queue_name"] == "slow"
    assert start(api, deployment, work_queue_name="fast")[1]["work_queue_name"] == "fast"
