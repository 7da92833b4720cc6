"""Deployments as flows describe and start them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from flowruns import arun_deployment, flow, run_deployment
from flowruns.exceptions import ObjectNotFound
from flowruns.schedules import Cron, Interval, RRule, Schedule
from flowruns.sdk.runs.parameter_schemas import schema_of_parameters
from flowruns.sdk.steps.drive import Connection
from flowruns.sdk.steps.drive import run as play
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.sdk.testing.fake_runs import json_reply
from flowruns.testing import FakeServer, served_by


class Item(BaseModel):
    name: str


def test_parameters_are_described_by_type_default_and_place() -> None:
    def buy(item: Item, count: int = 1, *rest: str, gift: Literal["yes", "no"] = "no") -> None: ...

    schema = schema_of_parameters(buy)
    assert schema["required"] == ["item"]
    assert list(schema["properties"]) == ["item", "count", "gift"]
    assert schema["properties"]["count"]["default"] == 1
    assert schema["properties"]["count"]["position"] == 1
    assert schema["properties"]["gift"]["enum"] == ["yes", "no"]
    assert schema["definitions"]["Item"]["required"] == ["name"]


def test_what_has_no_json_form_may_be_anything() -> None:
    def call(_callback: Callable[[], None], model_config: Any = print) -> None: ...

    call.__annotations__["model_config"] = "OnlyTypeCheckersKnow"

    schema = schema_of_parameters(call)
    assert set(schema["properties"]) == {"_callback", "model_config"}
    assert "type" not in schema["properties"]["_callback"]


class Desk:
    """A server with one deployment, refund/desk."""

    def __init__(self) -> None:
        self.id, self.run_id, self.flow_id, self.state_id = (uuid4() for _ in range(4))
        self.created: list[dict[str, Any]] = []
        self.schedules: list[dict[str, Any]] = []

    def __call__(self, request: Send) -> Reply:  # noqa: PLR0911 -- a table
        known: dict[str, Any] = {"id": str(self.id), "name": "desk", "flow_id": str(self.flow_id)}
        known["schedules"] = self.schedules
        match request.method, request.path:
            case "POST", "/flows/":
                return json_reply(201, {"id": str(self.flow_id), "name": "refund"})
            case "POST", "/deployments/":
                self.created.append(request.body)
                return json_reply(201, known)
            case "GET", "/deployments/name/refund/desk":
                return json_reply(200, known)
            case "GET", path if path == f"/deployments/{self.id}":
                return json_reply(200, known)
            case "GET", path if path == f"/flows/{self.flow_id}":
                return json_reply(200, {"id": str(self.flow_id), "name": "refund"})
            case "POST", path if path == f"/deployments/{self.id}/create_flow_run":
                self.created.append(request.body)
                return json_reply(201, self.run)
            case "GET", path if path == f"/flow_runs/{self.run_id}":
                return json_reply(200, self.run)
        return json_reply(404, {"detail": "Not found"})

    @property
    def run(self) -> dict[str, Any]:
        time = datetime(2026, 11, 1, tzinfo=UTC).isoformat()
        state = {"id": str(self.state_id), "type": "SCHEDULED", "timestamp": time}
        known = {"id": str(self.run_id), "name": "x", "flow_id": str(self.flow_id)}
        return known | {"state": state}


@flow
def refund(order: int) -> int:
    """Pay back an order."""
    return order


def test_a_deployment_is_registered_with_all_that_a_server_shows() -> None:
    desk = Desk()
    deployment = refund.to_deployment("desk", parameters={"order": 7}, tags=["finance"])
    with served_by(desk), Connection() as connection:
        assert play(deployment.register(), connection) == desk.id
    (created,) = desk.created
    assert created["entrypoint"] == f"{__file__}:refund"
    assert (created["parameters"], created["tags"]) == ({"order": 7}, ["finance"])
    assert created["description"] == "Pay back an order."
    assert created["parameter_openapi_schema"]["required"] == ["order"]


def test_a_deployment_brings_its_schedules_and_limits() -> None:
    desk = Desk()
    schedules = [
        Cron("0 9 * * 1-5", "Europe/Berlin", parameters={"order": 1}, slug="mornings"),
        Interval(timedelta(hours=2), datetime(2026, 1, 1, tzinfo=UTC), active=False),
        RRule("FREQ=MONTHLY;BYDAY=-1FR"),
    ]
    deployment = refund.to_deployment("desk", schedules=schedules, concurrency_limit=2, paused=True)
    with served_by(desk), Connection() as connection:
        play(deployment.register(), connection)
    (created,) = desk.created
    assert (created["paused"], created["concurrency_limit"]) == (True, 2)
    cron, interval, rrule = created["schedules"]
    assert (cron["schedule"]["timezone"], cron["slug"]) == ("Europe/Berlin", "mornings")
    assert cron["parameters"] == {"order": 1}
    assert (interval["schedule"]["interval"], interval["active"]) == (7200, False)
    assert interval["schedule"]["anchor_date"] == "2026-01-01T00:00:00Z"
    assert rrule["schedule"] == {"rrule": "FREQ=MONTHLY;BYDAY=-1FR", "timezone": "UTC"}


@pytest.mark.parametrize(
    ("schedule", "stays_off"),
    [
        (Cron("0 9 * * *", "Europe/Berlin"), True),
        (Cron("0 9 * * *", "Europe/Berlin", active=True), False),
        (Cron("0 10 * * *", "Europe/Berlin"), False),
        (Cron("0 9 * * *", "Europe/Berlin", parameters={"order": 1}), False),
    ],
)
def test_a_schedule_that_was_switched_off_stays_off_until_it_changes(
    schedule: Schedule, stays_off: bool
) -> None:
    desk = Desk()
    desk.schedules = [
        {
            "id": str(uuid4()),
            "active": False,
            "slug": "made-by-the-server",
            "schedule": {"cron": "0 9 * * *", "timezone": "Europe/Berlin", "day_or": True},
        }
    ]
    with served_by(desk), Connection() as connection:
        play(refund.to_deployment("desk", schedule=schedule).register(), connection)
    (created,) = desk.created
    assert created["schedules"][0]["active"] is not stays_off


@pytest.mark.parametrize(
    ("when", "count"),
    [
        ({}, 0),
        ({"interval": 60}, 1),
        ({"interval": [60, timedelta(days=1)]}, 2),
        ({"cron": "@daily"}, 1),
        ({"cron": ["@daily", "@weekly"]}, 2),
        ({"rrule": "FREQ=DAILY"}, 1),
        ({"schedule": Cron("@daily")}, 1),
    ],
)
def test_one_way_of_saying_when_is_enough(when: dict[str, Any], count: int) -> None:
    assert len(refund.to_deployment("desk", **when).schedules) == count


def test_two_ways_of_saying_when_are_refused() -> None:
    with pytest.raises(ValueError, match="only one of: interval, cron"):
        refund.to_deployment("desk", interval=60, cron="@daily")
    with pytest.raises(ValueError, match="exactly one of"):
        Schedule(cron="@daily", rrule="FREQ=DAILY")
    with pytest.raises(ValueError, match="timezone"):
        Cron("@daily", "Mars").to_wire()


def test_a_run_is_started_and_returned_at_once_or_after_its_time() -> None:
    desk = Desk()
    with served_by(desk):
        run = run_deployment("refund/desk", parameters={"order": 7}, timeout=0, tags=["b", "a"])
        late = run_deployment(desk.id, timeout=0.1, poll_interval=0.05, flow_run_name="late")
    assert (run.id, late.id) == (desk.run_id, desk.run_id)
    first, second = desk.created
    assert (first["parameters"], first["tags"]) == ({"order": 7}, ["a", "b"])
    assert second["name"] == "late"
    assert first["idempotency_key"] != second["idempotency_key"]


def test_a_run_that_a_flow_starts_is_its_subflow_unless_told() -> None:
    @flow
    def starting(as_subflow: bool) -> None:
        for name in ("refund/desk", str(desk.id)):
            run_deployment(name, timeout=0, as_subflow=as_subflow, job_variables={"cpu": 2})

    desk, server = Desk(), FakeServer()
    with served_by(lambda request: server.handle(request) if _is_run(request) else desk(request)):
        starting(True)
        starting(False)
    links = {keys[1:]: str(task_run_id) for keys, task_run_id in server.task_runs.items()}
    assert {key for key, _ in links} == {"run_deployment.refund/desk"}
    assert [dynamic.rpartition("-")[2] for _, dynamic in links][:2] == ["0", "1"]
    created = [body for body in desk.created if "job_variables" in body]
    assert [body["job_variables"] for body in created] == [{"cpu": 2}] * 4
    assert [body["parent_task_run_id"] for body in created[:2]] == list(links.values())[:2]
    keys = [body["idempotency_key"] for body in created]
    assert keys[:2] == [f"{task_run_id}-1" for task_run_id in list(links.values())[:2]]
    assert not any("parent_task_run_id" in body for body in created[2:])
    assert len(set(keys)) == 4


def _is_run(request: Send) -> bool:
    """Whether the fake server of flow runs, not the desk, knows what to answer."""
    return not request.path.startswith(("/deployments", "/flows/")) or request.path == "/flows/"


def test_nobody_waits_for_less_than_no_time() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        run_deployment("refund/desk", timeout=-1)


async def start_later() -> UUID:
    time = datetime(2026, 12, 1, tzinfo=UTC)
    return (await arun_deployment("refund/desk", scheduled_time=time, timeout=0)).id


def test_async_code_starts_runs_for_later() -> None:
    import asyncio

    desk = Desk()
    with served_by(desk):
        assert asyncio.run(start_later()) == desk.run_id
    assert desk.created[0]["state"]["state_details"]["scheduled_time"].startswith("2026-12-01")


def test_unknown_deployments_are_named() -> None:
    with served_by(Desk()):
        with pytest.raises(ObjectNotFound, match=r"'refund/shelf'; is it served\?"):
            run_deployment("refund/shelf")
        with pytest.raises(ValueError, match="flow-name/deployment-name"):
            run_deployment("refund")
