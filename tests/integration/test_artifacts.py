"""Artifacts through the API."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import Api, Make, Run, read


def create(api: Api, **fields: Any) -> dict[str, Any]:
    response = api.post("/artifacts/", fields)
    assert response.status_code == 201, response.content
    return dict(json.loads(response.content))


def test_an_artifact_is_read_as_it_was_made(api: Api) -> None:
    data = {"z": [1, 2.5, None], "a": "\N{SNOWMAN}", "big": 10**30}
    made = create(api, key="k", type="table", description="*d*", data=data, metadata_={"a": "b"})
    assert read(api, f"/artifacts/{made['id']}") == made
    assert list(made["data"]) == ["z", "a", "big"]
    assert made["data"] == data
    assert made["metadata_"] == {"a": "b"}


def test_the_latest_version_of_a_key_is_found(api: Api) -> None:
    create(api, key="report", data="old")
    newest = create(api, key="report", data="new")
    create(api, key="other")
    create(api, data="without a key")
    assert read(api, "/artifacts/report/latest") == newest
    latest = read(api, "/artifacts/latest/filter", {"sort": "KEY_ASC"})
    assert [found["key"] for found in latest] == ["other", "report"]
    assert latest[1] == newest | {"latest_id": newest["id"]}
    assert read(api, "/artifacts/latest/count", {}) == 2
    assert read(api, "/artifacts/count", {}) == 4


def test_the_version_before_is_the_latest_when_the_latest_is_deleted(api: Api) -> None:
    first = create(api, key="report")
    second = create(api, key="report")
    assert api.request("DELETE", f"/artifacts/{second['id']}").status_code == 204
    assert read(api, "/artifacts/report/latest") == first
    assert api.request("DELETE", f"/artifacts/{second['id']}").status_code == 404


def test_an_artifact_changes_in_place(api: Api) -> None:
    made = create(api, key="backfill", type="progress", data=10.0, description="x")
    assert api.request("PATCH", f"/artifacts/{made['id']}", {"data": 55.5}).status_code == 204
    changed = read(api, f"/artifacts/{made['id']}")
    assert (changed["data"], changed["description"]) == (55.5, "x")
    assert changed["updated"] > made["updated"]
    api.request("PATCH", f"/artifacts/{made['id']}", {"description": None, "metadata_": {}})
    assert read(api, f"/artifacts/{made['id']}")["description"] is None
    assert api.request("PATCH", f"/artifacts/{uuid4()}", {"data": 1}).status_code == 404


def test_what_is_not_there_is_not_found(api: Api) -> None:
    for path in (f"/artifacts/{uuid4()}", "/artifacts/nothing/latest"):
        response = api.get(path)
        assert response.status_code == 404
        assert json.loads(response.content) == {"detail": "Artifact not found."}


@pytest.mark.parametrize("key", ["Report", "a_b", "a b", "é"])
def test_a_key_is_lowercase_letters_numbers_and_dashes(api: Api, key: str) -> None:
    assert api.post("/artifacts/", {"key": key}).status_code == 422


def test_long_metadata_is_cut(api: Api) -> None:
    made = create(api, metadata_={"a": "x" * 501})
    assert made["metadata_"] == {"a": "x" * 500 + "..."}


def test_artifacts_are_filtered(api: Api, make_run: Make) -> None:
    run = make_run()
    mine = create(api, key="mine", type="markdown", flow_run_id=run.id)
    task_run = str(uuid4())
    other = create(api, key="other-one", type="table", task_run_id=task_run)
    loose = create(api, type="image")

    def found(**criteria: Any) -> list[str]:
        body = {"artifacts": criteria, "sort": "CREATED_DESC"}
        return [artifact["id"] for artifact in read(api, "/artifacts/filter", body)]

    assert found() == [loose["id"], other["id"], mine["id"]]
    assert found(id={"any_": [mine["id"]]}) == [mine["id"]]
    assert found(key={"any_": ["mine"]}) == [mine["id"]]
    assert found(key={"like_": "ONE"}) == [other["id"]]
    assert found(key={"exists_": False}) == [loose["id"]]
    assert found(type={"any_": ["table"]}) == [other["id"]]
    assert found(type={"not_any_": ["table", "image"]}) == [mine["id"]]
    assert found(flow_run_id={"any_": [run.id]}) == [mine["id"]]
    assert found(task_run_id={"any_": [task_run]}) == [other["id"]]
    either = {"operator": "or_", "key": {"any_": ["mine"]}, "type": {"any_": ["image"]}}
    assert found(**either) == [loose["id"], mine["id"]]
    by_flow = {"flows": {"name": {"any_": ["refund"]}}}
    assert [artifact["id"] for artifact in read(api, "/artifacts/filter", by_flow)] == [mine["id"]]
    assert read(api, "/artifacts/count", by_flow) == 1
    assert read(api, "/artifacts/filter", {"limit": 1, "offset": 2, "sort": "KEY_ASC"})
    assert api.post("/artifacts/filter", {"artifacts": {"nonsense": 1}}).status_code == 422


def test_a_deleted_run_takes_its_artifacts_with_it(run: Run) -> None:
    create(run.api, key="report", flow_run_id=run.id)
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    assert read(run.api, "/artifacts/count", {}) == 0
