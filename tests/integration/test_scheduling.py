import json
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flowruns.models import DeploymentSchedule, FlowRun
from flowruns.services.runs.states import replace_state
from flowruns.services.upkeep import scheduler
from flowruns.services.upkeep.late_runs import mark_late_runs
from flowruns.services.upkeep.scheduler import schedule_runs
from tests.integration.conftest import Api
from tests.integration.scheduled import HOURLY, deploy, runs_of


def look_now() -> None:
    DeploymentSchedule.objects.update(next_check_at=datetime.now(UTC))


def test_runs_are_made_ahead_of_their_time(api: Api) -> None:
    deployment = deploy(
        api,
        parameters={"order": 1, "amount": 2},
        tags=["d"],
        schedules=[HOURLY | {"parameters": {"order": 5}, "slug": "hourly"}],
    )
    assert schedule_runs() == 3
    runs = runs_of(api, deployment)
    assert {run["state_name"] for run in runs} == {"Scheduled"}
    first = runs[0]
    assert first["auto_scheduled"] is True
    assert first["parameters"] == {"order": 5, "amount": 2}
    assert first["tags"] == ["auto-scheduled", "d"]
    assert first["created_by"] == {
        "id": deployment["schedules"][0]["id"],
        "type": "SCHEDULE",
        "display_value": "hourly",
    }
    assert first["state"]["message"] == "Flow run scheduled"
    assert first["state"]["state_details"]["scheduled_time"] == first["expected_start_time"]
    assert first["next_scheduled_start_time"] == first["expected_start_time"]
    times = [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert steps == [timedelta(hours=1)] * 2


def test_looking_again_makes_no_run_twice(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY])
    schedule_runs()
    look_now()
    assert schedule_runs() == 0
    assert len(runs_of(api, deployment)) == 3


def test_a_run_that_was_deleted_comes_again(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY])
    schedule_runs()
    api.request("DELETE", f"/flow_runs/{runs_of(api, deployment)[0]['id']}")
    look_now()
    assert schedule_runs() == 1


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        ({"schedule": {"interval": 60}}, range(60, 63)),
        ({"schedule": {"interval": 1}}, range(100, 101)),
        ({"schedule": {"interval": 86400 * 40}}, range(2, 4)),
        ({"schedule": {"interval": 60}, "max_scheduled_runs": 7}, range(7, 8)),
        ({"schedule": {"cron": "0 0 1 1 *"}}, range(2)),
        ({"schedule": {"interval": 60}, "active": False}, range(1)),
    ],
)
def test_as_many_are_made_as_prefect_makes(api: Api, schedule: Any, count: range) -> None:
    deploy(api, schedules=[schedule])
    assert schedule_runs() in count


def test_nothing_is_looked_at_before_its_time_and_looking_costs_one_query(api: Api) -> None:
    deploy(api, schedules=[HOURLY] * 5)
    schedule_runs()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert schedule_runs() == 0
    assert len(queries) == 1
    looks = DeploymentSchedule.objects.values_list("next_check_at", flat=True)
    now = datetime.now(UTC)
    assert all(now < look <= now + timedelta(hours=1) for look in looks)


def test_runs_of_a_time_that_has_passed_are_made_when_asked_for(api: Api) -> None:
    deployment = deploy(api, paused=True, schedules=[{"schedule": {"cron": "0 * * * *"}}])
    window = {
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-01-01T05:30:00Z",
        "min_runs": 100,
    }
    assert api.post(f"/deployments/{deployment['id']}/schedule", window).status_code == 200
    times = [run["expected_start_time"] for run in runs_of(api, deployment)]
    assert times == [f"2026-01-01T0{hour}:00:00Z" for hour in range(6)]


def test_two_schedulers_at_once_make_each_run_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second has found the same schedule due, and comes to it after the first."""
    deployment = deploy(api, schedules=[HOURLY])
    check = scheduler._check_schedule

    def check_twice(schedule_id: UUID, seen: datetime) -> int:
        made = check(schedule_id, seen)
        assert check(schedule_id, seen) == 0
        return made

    monkeypatch.setattr(scheduler, "_check_schedule", check_twice)
    assert schedule_runs() == 3
    assert len(runs_of(api, deployment)) == 3


@pytest.mark.parametrize("change", ["pause", "delete the schedule", "delete", "deploy again"])
def test_what_changes_meanwhile_makes_no_runs(
    api: Api, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The schedule was found due; before it is looked at, somebody changes it."""
    deployment = deploy(api, schedules=[HOURLY])
    path = f"/deployments/{deployment['id']}"
    check = scheduler._check_schedule

    def change_first(schedule_id: UUID, seen: datetime) -> int:
        if change == "pause":
            api.post(f"{path}/pause_deployment")
        elif change == "deploy again":
            deploy(api)
        else:
            api.request("DELETE", path if change == "delete" else f"{path}/schedules/{schedule_id}")
        return check(schedule_id, seen)

    monkeypatch.setattr(scheduler, "_check_schedule", change_first)
    assert schedule_runs() == 0
    assert not FlowRun.objects.exists()


def test_a_schedule_that_cannot_be_used_keeps_no_other_from_it(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    deploy(api, schedules=[HOURLY, HOURLY])
    broken = DeploymentSchedule.objects.latest("next_check_at")
    DeploymentSchedule.objects.filter(pk=broken.pk).update(schedule={"interval": "?"})
    assert schedule_runs() == 3
    assert str(broken.pk) in caplog.text
    assert schedule_runs() == 0


def test_a_run_that_is_overdue_becomes_late(api: Api) -> None:
    deployment = deploy(api)
    due = (datetime.now(UTC) - timedelta(seconds=20)).isoformat()
    for name in ("Scheduled", "Resuming"):
        state = {"type": "SCHEDULED", "name": name, "state_details": {"scheduled_time": due}}
        api.post(f"/deployments/{deployment['id']}/create_flow_run", {"state": state})
    soon = api.post(f"/deployments/{deployment['id']}/create_flow_run", {})
    assert mark_late_runs() == 1
    names = {run["state_name"]: run for run in runs_of(api, deployment)}
    assert set(names) == {"Late", "Resuming", "Scheduled"}
    assert names["Scheduled"]["id"] == json.loads(soon.content)["id"]
    late = names["Late"]
    assert datetime.fromisoformat(late["next_scheduled_start_time"]) == datetime.fromisoformat(due)
    assert mark_late_runs() == 0


def test_a_run_that_is_taken_meanwhile_is_not_late(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploy(api)
    due = (datetime.now(UTC) - timedelta(seconds=20)).isoformat()
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
    api.post(f"/deployments/{deployment['id']}/create_flow_run", {"state": state})

    def take_first(flow_run_id: UUID, **kwargs: Any) -> Any:
        api.post(f"/flow_runs/{flow_run_id}/set_state", {"state": {"type": "PENDING"}})
        return replace_state(flow_run_id, **kwargs)

    monkeypatch.setattr("flowruns.services.upkeep.late_runs.replace_state", take_first)
    assert mark_late_runs() == 0
    assert runs_of(api, deployment)[0]["state_name"] == "Pending"


@pytest.mark.django_db(transaction=True)
def test_many_schedulers_in_threads_make_each_run_once(api: Api) -> None:
    deployments = [deploy(api, name=f"d{number}", schedules=[HOURLY]) for number in range(5)]
    made: list[int] = []

    def schedule() -> None:
        try:
            made.append(schedule_runs())
        finally:
            connection.close()

    threads = [threading.Thread(target=schedule) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 15
    assert all(len(runs_of(api, deployment)) == 3 for deployment in deployments)
