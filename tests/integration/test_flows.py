import json
from uuid import uuid4

from tests.integration.conftest import Api, Make


def test_the_tags_of_a_flow_are_changed_if_they_are_sent(api: Api) -> None:
    flow = json.loads(api.post("/flows/", {"name": "refund", "tags": ["old"]}).content)
    path = f"/flows/{flow['id']}"
    assert api.request("PATCH", path, {}).status_code == 204
    assert json.loads(api.get(path).content)["tags"] == ["old"]
    assert api.request("PATCH", path, {"tags": ["new"]}).status_code == 204
    assert json.loads(api.get(path).content)["tags"] == ["new"]
    assert api.request("PATCH", f"/flows/{uuid4()}", {}).status_code == 404


def test_a_flow_goes_with_its_deployments_and_its_runs(api: Api, make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause_for_input()
    read = run.read()
    path = f"/flows/{read['flow_id']}"
    assert api.request("DELETE", path).status_code == 204
    gone = [path, f"/flow_runs/{run.id}", f"/deployments/{read['deployment_id']}"]
    assert [api.get(each).status_code for each in gone] == [404, 404, 404]
    assert api.request("DELETE", path).status_code == 404


def test_labels_are_added_to_those_of_a_run(api: Api, make_run: Make) -> None:
    run = make_run(labels={"team": "x", "stays": True})
    path = f"/flow_runs/{run.id}/labels"
    assert api.request("PATCH", path, {"team": "y", "cost": 1.5}).status_code == 204
    flow_id = run.read()["flow_id"]
    assert run.read()["labels"] == {
        "prefect.flow.id": flow_id,
        "team": "y",
        "stays": True,
        "cost": 1.5,
    }
    assert api.request("PATCH", path, ["x"]).status_code == 422
    assert api.request("PATCH", f"/flow_runs/{uuid4()}/labels", {}).status_code == 404
