import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import Api, Make


def find(api: Api, flow_runs: dict[str, Any] | None = None, **query: Any) -> list[str]:
    body = query if flow_runs is None else {"flow_runs": flow_runs, **query}
    response = api.post("/flow_runs/filter", body)
    assert response.status_code == 200, response.content
    return [run["name"] for run in json.loads(response.content)]


@pytest.fixture
def three(make_run: Make) -> dict[str, str]:
    """Three runs: "a" waits, "b" runs, "c" has not started."""
    a = make_run(name="a", tags=["red", "big"], flow_version="1", idempotency_key="ka")
    a.pause()
    b = make_run(name="b", tags=["red"], deployed=True, work_queue_name="q")
    c = make_run(name="Calm%C", state="PENDING", parent_task_run_id=str(uuid4()))
    return {"a": a.id, "b": b.id, "c": c.id}


def test_runs_come_newest_first(api: Api, three: dict[str, str]) -> None:
    assert find(api) == ["Calm%C", "b", "a"]


def test_every_supported_criterion_selects(api: Api, three: dict[str, str]) -> None:
    now = datetime.now(UTC)
    past, future = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    a, b, c = "a", "b", "Calm%C"
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {a, b, c}),
        ({"id": {"any_": [three["a"], three["b"]]}}, {a, b}),
        ({"id": {"any_": []}}, set()),
        ({"id": {"not_any_": [three["a"]]}}, {b, c}),
        ({"name": {"any_": ["a"]}}, {a}),
        ({"name": {"like_": "cAL"}}, {c}),
        ({"name": {"like_": "m%c"}}, {c}),
        ({"name": {"like_": "a_"}}, set()),
        ({"tags": {"all_": ["red", "big"]}}, {a}),
        ({"tags": {"any_": ["big", "small"]}}, {a}),
        ({"tags": {"any_": []}}, set()),
        ({"tags": {"is_null_": True}}, {c}),
        ({"tags": {"is_null_": False}}, {a, b}),
        ({"tags": {"operator": "or_", "all_": ["big"], "is_null_": True}}, {a, c}),
        ({"deployment_id": {"is_null_": False}}, {b}),
        ({"deployment_id": {"any_": [str(uuid4())]}}, set()),
        ({"work_queue_name": {"any_": ["q"]}}, {b}),
        ({"work_queue_name": {"is_null_": True}}, {a, c}),
        ({"state": {"type": {"any_": ["PAUSED", "PENDING"]}}}, {a, c}),
        ({"state": {"type": {"not_any_": ["PAUSED"]}}}, {b, c}),
        ({"state": {"name": {"any_": ["Running"]}}}, {b}),
        ({"state": {"name": {"not_any_": ["Running"]}}}, {a, c}),
        (
            {
                "state": {
                    "operator": "or_",
                    "type": {"any_": ["PAUSED"]},
                    "name": {"any_": ["Running"]},
                }
            },
            {a, b},
        ),
        ({"flow_version": {"any_": ["1"]}}, {a}),
        ({"start_time": {"is_null_": True}}, {c}),
        ({"start_time": {"after_": past, "before_": future}}, {a, b, c}),
        ({"start_time": {"before_": past}}, set()),
        ({"end_time": {"is_null_": True}}, {a, b, c}),
        ({"end_time": {"after_": past}}, set()),
        ({"expected_start_time": {"after_": past}}, {a, b, c}),
        ({"expected_start_time": {"after_": future}}, set()),
        ({"next_scheduled_start_time": {"before_": future}}, set()),
        ({"parent_task_run_id": {"is_null_": False}}, {c}),
        ({"idempotency_key": {"any_": ["ka"]}}, {a}),
        ({"idempotency_key": {"not_any_": ["ka"]}}, set()),
        ({"created_by": {"is_null_": False}}, {a, b, c}),
        ({"created_by": {"is_null_": True}}, set()),
        ({"created_by": {"type_": ["DEPLOYMENT"]}}, set()),
        ({"created_by": {"operator": "or_", "is_null_": False, "id_": []}}, {a, b, c}),
        ({"operator": "or_", "name": {"any_": ["a"]}, "tags": {"is_null_": True}}, {a, c}),
        ({"operator": "or_", "name": {"any_": ["a"]}, "state": {}}, {a, b, c}),
        ({"parent_flow_run_id": {"operator": "and_", "any_": None}}, {a, b, c}),
    ]
    for criteria, expected in cases:
        assert set(find(api, criteria)) == expected, criteria
        count = api.post("/flow_runs/count", {"flow_runs": criteria})
        assert json.loads(count.content) == len(expected), criteria


def test_runs_are_selected_by_their_flow(api: Api, three: dict[str, str]) -> None:
    assert len(find(api, flows={"name": {"any_": ["refund"]}})) == 3
    assert find(api, flows={"name": {"like_": "nope"}}) == []
    assert find(api, flows={"tags": {"is_null_": False}}) == []


def test_runs_are_selected_by_their_deployment(api: Api, three: dict[str, str]) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["b"]),
        ({"name": {"any_": ["nightly"]}}, ["b"]),
        ({"name": {"like_": "NIGHT"}, "paused": {"eq_": False}}, ["b"]),
        ({"paused": {"eq_": True}}, []),
        ({"flow_or_deployment_name": {"like_": "fund"}}, ["b"]),
        ({"flow_or_deployment_name": {"like_": "night"}}, ["b"]),
        ({"flow_or_deployment_name": {"like_": "day"}}, []),
        ({"flow_or_deployment_name": {}}, ["b"]),
        ({"tags": {"is_null_": False}}, []),
        ({"work_queue_name": {"any_": ["q"]}}, []),
    ]
    for criteria, expected in cases:
        assert find(api, deployments=criteria) == expected, criteria


@pytest.mark.parametrize(
    "body",
    [
        {"task_runs": {"state": {"type": {"not_any_": ["FAILED"]}}}},
        {"work_pools": {"name": {"any_": ["x"]}}},
        {"work_pool_queues": {"name": {"any_": ["x"]}}},
        {"flow_runs": {"parent_flow_run_id": {"is_null_": True}}},
        {"flow_runs": {"unheard_of": {"any_": []}}},
        {"flow_runs": {"state": {"unheard_of": 1}}},
        {"sort": "UNHEARD_OF"},
        {"deployments": {"concurrency_limit": {"ge_": 1}}},
        {"offset": -1},
        {"offset": 2**63},
        {"flow_runs": {"name": {"like_": "x" * 100_000}}},
        {"flow_runs": {"name": {"any_": ["x"] * 100_000}}},
    ],
)
def test_what_is_not_supported_is_refused_by_name(api: Api, body: dict[str, Any]) -> None:
    response = api.post("/flow_runs/filter", body)
    assert response.status_code == 422
    text = response.content.decode()
    assert any(f'"{name}"' in text for name in names_in(body))


def names_in(body: dict[str, Any]) -> list[str]:
    """Return the innermost name of each branch, and the one around it."""
    inner = [names_in(value) for value in body.values() if isinstance(value, dict)]
    return [*body, *(name for names in inner for name in names)]


@pytest.mark.parametrize("path", ["/flow_runs/filter", "/flows/filter", "/logs/filter"])
def test_no_criteria_at_all_select_everything(api: Api, three: dict[str, str], path: str) -> None:
    found, all_of_them = json.loads(api.post(path).content), json.loads(api.post(path, {}).content)
    assert [item["id"] for item in found] == [item["id"] for item in all_of_them]
    assert api.post("/flow_runs/count").content == b"3"
    assert json.loads(api.post("/flow_runs/paginate").content)["count"] == 3


def test_every_order_is_served(api: Api, three: dict[str, str]) -> None:
    names = {
        sort: find(api, sort=sort)
        for sort in (
            *("ID_DESC", "START_TIME_ASC", "START_TIME_DESC", "END_TIME_DESC"),
            *("EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC"),
            *("NAME_ASC", "NAME_DESC", "NEXT_SCHEDULED_START_TIME_ASC"),
        )
    }
    assert {frozenset(found) for found in names.values()} == {frozenset({"a", "b", "Calm%C"})}
    assert names["EXPECTED_START_TIME_ASC"] == ["a", "b", "Calm%C"]
    assert names["EXPECTED_START_TIME_DESC"] == ["Calm%C", "b", "a"]
    assert names["START_TIME_DESC"] == ["Calm%C", "b", "a"]


def test_limit_offset_and_pages_cut_the_same_list(api: Api, three: dict[str, str]) -> None:
    assert find(api, limit=1, offset=1) == ["b"]
    assert find(api, limit=None) == find(api)
    response = api.post("/flow_runs/paginate", {"limit": 2, "page": 2})
    page = json.loads(response.content)
    assert [run["name"] for run in page["results"]] == ["a"]
    assert {name: page[name] for name in ("count", "limit", "pages", "page")} == {
        "count": 3,
        "limit": 2,
        "pages": 2,
        "page": 2,
    }
    empty = json.loads(api.post("/flow_runs/paginate", {"limit": 0}).content)
    assert (empty["results"], empty["pages"]) == ([], 0)


def test_flows_are_selected_too(api: Api, three: dict[str, str]) -> None:
    def flows(**query: Any) -> list[str]:
        return [flow["name"] for flow in json.loads(api.post("/flows/filter", query).content)]

    api.post("/flows/", {"name": "audit", "tags": ["x"]})
    assert flows() == ["audit", "refund"]
    assert flows(sort="NAME_DESC") == ["refund", "audit"]
    assert flows(flows={"tags": {"all_": ["x"]}}) == ["audit"]
    assert flows(flow_runs={"state": {"type": {"any_": ["PAUSED"]}}}) == ["refund"]
    assert flows(deployments={"name": {"any_": ["nightly"]}}) == ["refund"]
    assert flows(flows={"deployment": {"is_null_": True}}) == ["audit"]
    assert flows(flows={"deployment": {"is_null_": False}}) == ["refund"]
    assert flows(flows={"deployment": {}}) == ["audit", "refund"]
    assert flows(sort=None, limit=None, offset=None) == ["audit", "refund"]
    assert api.post("/flows/count", {"flows": {"name": {"like_": "AUD"}}}).content == b"1"
    page = json.loads(api.post("/flows/paginate", {"limit": 1, "page": 2}).content)
    assert ([flow["name"] for flow in page["results"]], page["pages"]) == (["refund"], 2)


def test_a_runner_that_hears_of_no_events_is_told_whose_processes_to_end(make_run: Make) -> None:
    rejected, resumed, suspended, running = (
        make_run(name=name, deployed=True)
        for name in ("rejected", "resumed", "suspended", "running")
    )
    rejected.pause()
    resumed.pause()
    resumed.resume()
    suspended.pause(pause_reschedule=True)
    runs = (rejected, resumed, suspended, running)
    for run in runs:
        run.propose("CANCELLED", name="Rejected")
    in_flight = {"any_": [run.id for run in runs]}

    def find_in_flight(**state: Any) -> list[str]:
        return find(rejected.api, {"id": in_flight, "state": state})

    cancelled, cancelling = {"any_": ["CANCELLED"]}, {"any_": ["Cancelling"]}
    assert find_in_flight(type=cancelled, name=cancelling) == ["rejected"]
    assert find_in_flight(name=cancelling) == []
    assert len(find_in_flight(type=cancelled)) == 4
