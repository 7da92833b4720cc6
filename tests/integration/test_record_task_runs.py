"""Task runs out of their events: each once, and in whatever order they come."""

import itertools
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.conftest import Api, Run
from tests.task_run_events import task_run_event


def send(api: Api, *events: dict[str, Any]) -> None:
    response = api.post("/events", list(events))
    assert response.status_code == 204, response.content


def read(api: Api, task_run_id: object) -> dict[str, Any]:
    response = api.get(f"/task_runs/{task_run_id}")
    found: dict[str, Any] = json.loads(response.content)
    return found


def history_of(api: Api, task_run_id: object) -> list[str]:
    states = json.loads(api.get(f"/task_run_states/?task_run_id={task_run_id}").content)
    return [state["type"] for state in states]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_later_state_is_the_task_runs_in_whatever_order_they_come(
    run: Run, order: tuple[int, ...]
) -> None:
    task_run_id = uuid4()
    kinds = ("PENDING", "RUNNING", "COMPLETED")
    events = [
        task_run_event(
            task_run_id, flow_run_id=run.id, state=kind, seconds=second, run_count=second
        )
        for second, kind in enumerate(kinds)
    ]
    for index in order:
        send(run.api, events[index])

    found = read(run.api, task_run_id)
    assert (found["state_type"], found["run_count"]) == ("COMPLETED", 2)
    assert found["state_id"] == events[2]["id"]
    assert found["flow_run_id"] == run.id
    assert history_of(run.api, task_run_id) == list(kinds)


def test_events_that_are_sent_again_change_nothing(run: Run) -> None:
    task_run_id = uuid4()
    events = [
        task_run_event(task_run_id, flow_run_id=run.id, state=kind, seconds=second)
        for second, kind in enumerate(("RUNNING", "COMPLETED"))
    ]
    send(run.api, *events)
    before = read(run.api, task_run_id)
    send(run.api, *events, events[0])
    assert read(run.api, task_run_id) == before
    assert history_of(run.api, task_run_id) == ["RUNNING", "COMPLETED"]


def test_two_ids_for_one_call_are_one_task_run(run: Run) -> None:
    first, second = uuid4(), uuid4()
    send(run.api, task_run_event(first, flow_run_id=run.id, state="PENDING"))
    send(run.api, task_run_event(second, flow_run_id=run.id, state="COMPLETED", seconds=1))
    assert read(run.api, first)["state_type"] == "COMPLETED"
    assert run.api.get(f"/task_runs/{second}").status_code == 404


def test_two_ids_for_one_call_in_one_batch_are_one_task_run(run: Run) -> None:
    first, second = uuid4(), uuid4()
    send(
        run.api,
        task_run_event(first, flow_run_id=run.id, state="PENDING"),
        task_run_event(second, flow_run_id=run.id, state="COMPLETED", seconds=1),
    )
    assert history_of(run.api, first) == ["PENDING", "COMPLETED"]


def test_task_runs_outside_of_flow_runs_are_kept_apart(api: Api) -> None:
    first, second = uuid4(), uuid4()
    send(api, task_run_event(first), task_run_event(second))
    assert {read(api, first)["id"], read(api, second)["id"]} == {str(first), str(second)}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"task_run": None, "validated_state": None},
        {"task_run": {"name": "x"}, "validated_state": {"type": "RUNNING"}},
        {
            "task_run": {"name": "x", "task_key": "k", "dynamic_key": "0", "run_count": -1},
            "validated_state": {"type": "RUNNING"},
        },
        {
            "task_run": {"name": "x", "task_key": "k", "dynamic_key": "0"},
            "validated_state": {"type": "DREAMING"},
        },
    ],
)
def test_an_event_that_describes_no_task_run_is_only_an_event(
    api: Api, payload: dict[str, Any]
) -> None:
    task_run_id = uuid4()
    send(api, {**task_run_event(task_run_id), "payload": payload})
    assert api.get(f"/task_runs/{task_run_id}").status_code == 404


def test_characters_that_no_database_takes_are_shown_not_refused(run: Run) -> None:
    task_run_id = uuid4()
    event = task_run_event(task_run_id, flow_run_id=run.id, name="nul \x00")
    event["payload"]["validated_state"]["message"] = "a\x00b"
    send(run.api, event)
    found = read(run.api, task_run_id)
    assert found["name"] == "nul \N{REPLACEMENT CHARACTER}"
    assert found["state"]["message"] == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    "change",
    [
        {"resource": {}},
        {"resource": {"prefect.resource.id": ""}},
        {"related": [{"prefect.resource.id": "x"}]},
        {"related": [{"prefect.resource.id": "x", "prefect.resource.role": "y"}] * 101},
        {"event": "x" * 1025},
        {"id": "no uuid"},
        {"occurred": "yesterday"},
        {"payload": []},
    ],
)
def test_what_is_no_event_is_named(api: Api, change: dict[str, Any]) -> None:
    response = api.post("/events", [{**task_run_event(), **change}])
    assert response.status_code == 422
    assert next(iter(change)) in json.dumps(json.loads(response.content)["detail"])
