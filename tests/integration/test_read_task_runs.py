"""Lists of task runs, and other lists by their task runs."""

import json
from typing import Any

import pytest

from tests.integration.conftest import Api, Make, Run
from tests.task_run_events import task_run_event


@pytest.fixture
def runs(make_run: Make) -> tuple[Run, Run]:
    """Two runs: the first with three task runs, the second with one and as its subflow."""
    first = make_run(tags=["first"])
    for number, state in enumerate(("COMPLETED", "FAILED", "RUNNING")):
        send(
            first.api,
            task_run_event(
                flow_run_id=first.id,
                state=state,
                name=f"send-{number}",
                tags=[f"t{number}"],
                expected_start_time=f"2026-11-24T12:0{number}:00Z",
                start_time=f"2026-11-24T12:0{number}:01Z",
                end_time=None if state == "RUNNING" else f"2026-11-24T12:0{number}:02Z",
            ),
        )
    body = {"task_key": "child", "dynamic_key": "child-0", "flow_run_id": first.id, "name": "child"}
    call = json.loads(first.api.post("/task_runs/", body).content)
    second = make_run(parent_task_run_id=call["id"])
    send(second.api, task_run_event(flow_run_id=second.id, name="lone", tags=[]))
    return first, second


def send(api: Api, event: dict[str, Any]) -> None:
    assert api.post("/events", [event]).status_code == 204


def names(api: Api, **query: Any) -> list[str]:
    response = api.post("/task_runs/filter", {"sort": "NAME_ASC", **query})
    assert response.status_code == 200, response.content
    return [found["name"] for found in json.loads(response.content)]


ALL = ["child", "lone", "send-0", "send-1", "send-2"]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, ALL),
        ({"name": {"any_": ["send-1"]}}, ["send-1"]),
        ({"name": {"like_": "SEND"}}, ["send-0", "send-1", "send-2"]),
        ({"tags": {"all_": ["t1"]}}, ["send-1"]),
        ({"tags": {"is_null_": True}}, ["child", "lone"]),
        ({"state": {"type": {"any_": ["FAILED", "COMPLETED"]}}}, ["send-0", "send-1"]),
        ({"state": {"name": {"any_": ["Running"]}}}, ["child", "lone", "send-2"]),
        ({"start_time": {"is_null_": True}}, ["lone"]),
        ({"start_time": {"after_": "2026-11-24T12:02:00Z"}}, ["child", "send-2"]),
        ({"end_time": {"before_": "2026-11-24T12:01:00Z"}}, ["send-0"]),
        ({"expected_start_time": {"before_": "2026-11-24T12:00:30Z"}}, ["send-0"]),
        ({"subflow_runs": {"exists_": True}}, ["child"]),
        ({"subflow_runs": {"exists_": False}}, ALL[1:]),
        ({"flow_run_id": {"is_null_": True}}, []),
        (
            {"operator": "or_", "name": {"any_": ["lone"]}, "tags": {"all_": ["t0"]}},
            ["lone", "send-0"],
        ),
    ],
)
def test_filters_select(
    runs: tuple[Run, Run], criteria: dict[str, Any], expected: list[str]
) -> None:
    assert names(runs[0].api, task_runs=criteria) == expected
    count = runs[0].api.post("/task_runs/count", {"task_runs": criteria})
    assert json.loads(count.content) == len(expected)


def test_task_runs_are_found_by_their_flow_run(runs: tuple[Run, Run]) -> None:
    first, second = runs
    by_id = {"flow_run_id": {"any_": [second.id]}}
    assert names(first.api, task_runs=by_id) == ["lone"]
    assert names(first.api, flow_runs={"tags": {"all_": ["first"]}}) == [ALL[0], *ALL[2:]]
    assert names(first.api, flows={"name": {"any_": ["another"]}}) == []
    assert names(first.api, flow_runs={"id": {"any_": [second.id]}}, task_runs={}) == ["lone"]


def test_other_lists_are_selected_by_task_runs(runs: tuple[Run, Run]) -> None:
    first, second = runs
    criteria = {"task_runs": {"name": {"any_": ["lone"]}}}
    for path, expected in (("flow_runs", [second.id]), ("flows", [second.read()["flow_id"]])):
        found = json.loads(first.api.post(f"/{path}/filter", criteria).content)
        assert [item["id"] for item in found] == expected


def test_subflows_are_found_by_the_run_that_called_them(runs: tuple[Run, Run]) -> None:
    first, second = runs
    criteria = {"flow_runs": {"parent_flow_run_id": {"any_": [first.id]}}}
    found = json.loads(first.api.post("/flow_runs/filter", criteria).content)
    assert [run["id"] for run in found] == [second.id]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("NAME_DESC", ALL[::-1]),
        ("EXPECTED_START_TIME_ASC", ["send-0", "send-1", "send-2"]),
        ("END_TIME_DESC", ["send-1", "send-0"]),
    ],
)
def test_task_runs_are_sorted(runs: tuple[Run, Run], sort: str, expected: list[str]) -> None:
    found = [name for name in names(runs[0].api, sort=sort) if name in expected]
    assert found == expected


def test_task_runs_are_sorted_by_how_long_they_have_run_until_now(runs: tuple[Run, Run]) -> None:
    body = {"sort": "DURATION_DESC", "flow_runs": {"id": {"any_": [runs[0].id]}}}
    found = json.loads(runs[0].api.post("/task_runs/filter", body).content)
    assert len(found) > 2
    seconds = [task_run["estimated_run_time"] for task_run in found]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > seconds[-1]
    again = json.loads(
        runs[0].api.post("/task_runs/filter", {**body, "sort": "DURATION_ASC"}).content
    )
    assert again[-1]["id"] == found[0]["id"]


def test_task_runs_come_in_pages(runs: tuple[Run, Run]) -> None:
    body = {"sort": "NAME_ASC", "limit": 2, "page": 2}
    page = json.loads(runs[0].api.post("/task_runs/paginate", body).content)
    assert [found["name"] for found in page["results"]] == ["send-0", "send-1"]
    assert {key: page[key] for key in ("count", "limit", "pages", "page")} == {
        "count": 5,
        "limit": 2,
        "pages": 3,
        "page": 2,
    }
