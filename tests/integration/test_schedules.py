import json
from typing import Any
from uuid import uuid4

import pytest

from flowruns.services.upkeep.scheduler import schedule_runs
from flowruns.wire.schedules import MAX_SCHEDULES
from tests.integration.conftest import Api
from tests.integration.scheduled import HOURLY, deploy, runs_of


def read(api: Api, deployment: dict[str, Any]) -> list[dict[str, Any]]:
    response = api.get(f"/deployments/{deployment['id']}/schedules")
    assert response.status_code == 200, response.content
    schedules: list[dict[str, Any]] = json.loads(response.content)
    return schedules


def add(api: Api, deployment: dict[str, Any], *schedules: Any) -> Any:
    return api.post(f"/deployments/{deployment['id']}/schedules", list(schedules))


def change(api: Api, changed: dict[str, Any], **fields: Any) -> int:
    path = f"/deployments/{changed['deployment_id']}/schedules/{changed['id']}"
    return api.request("PATCH", path, fields).status_code


def test_a_deployment_brings_its_schedules(api: Api) -> None:
    sent = [
        {"schedule": {"interval": 60.0, "anchor_date": "2026-01-01T00:00:00Z"}, "slug": "often"},
        {"schedule": {"cron": "0 9 * * *", "timezone": "Europe/Berlin"}, "active": False},
        {"schedule": {"rrule": "FREQ=DAILY"}, "parameters": {"a": 1}, "max_scheduled_runs": 5},
    ]
    deployment = deploy(api, schedules=sent)
    by_kind = {next(iter(each["schedule"])): each for each in deployment["schedules"]}
    assert by_kind["interval"]["schedule"] == {
        "interval": 60.0,
        "anchor_date": "2026-01-01T00:00:00Z",
        "timezone": "UTC",
    }
    assert by_kind["interval"]["slug"] == "often"
    assert by_kind["cron"]["schedule"]["day_or"] is True
    assert by_kind["cron"]["active"] is False
    assert by_kind["rrule"]["schedule"]["timezone"] == "UTC"
    assert by_kind["rrule"]["parameters"] == {"a": 1}
    assert by_kind["rrule"]["max_scheduled_runs"] == 5
    assert read(api, deployment) == deployment["schedules"]


def test_a_deployment_made_again_has_the_schedules_sent_and_forgets_its_future_runs(
    api: Api,
) -> None:
    deployment = deploy(api, schedules=[HOURLY, HOURLY])
    assert schedule_runs() > 0
    again = deploy(api, schedules=[{"schedule": {"cron": "@daily"}}])
    assert [each["schedule"]["cron"] for each in again["schedules"]] == ["@daily"]
    assert runs_of(api, deployment) == []
    assert deploy(api)["schedules"] == []


def test_schedules_are_added_changed_and_deleted(api: Api) -> None:
    deployment = deploy(api)
    response = add(api, deployment, HOURLY | {"slug": "a"}, HOURLY)
    assert response.status_code == 201
    first, second = json.loads(response.content)
    assert change(api, first, schedule={"cron": "@hourly"}, parameters={"x": 1}) == 204
    assert change(api, first, active=False) == 204
    changed = next(each for each in read(api, deployment) if each["id"] == first["id"])
    assert (changed["active"], changed["parameters"], changed["slug"]) == (False, {"x": 1}, "a")
    assert changed["schedule"]["cron"] == "@hourly"
    path = f"/deployments/{deployment['id']}/schedules"
    assert api.request("DELETE", f"{path}/{second['id']}").status_code == 204
    assert api.request("DELETE", f"{path}/{second['id']}").status_code == 404
    assert [each["id"] for each in read(api, deployment)] == [first["id"]]


def test_unknown_deployments_and_schedules_are_not_found(api: Api) -> None:
    unknown = {"id": str(uuid4()), "deployment_id": str(uuid4())}
    assert api.get(f"/deployments/{unknown['id']}/schedules").status_code == 404
    assert add(api, unknown, HOURLY).status_code == 404
    assert change(api, unknown, active=True) == 404
    for call in ("schedule", "pause_deployment", "resume_deployment"):
        assert api.post(f"/deployments/{unknown['id']}/{call}").status_code == 404


def test_a_schedule_of_another_deployment_is_not_found(api: Api) -> None:
    theirs = deploy(api, schedules=[HOURLY])["schedules"][0]
    mine = deploy(api, name="other")
    assert change(api, theirs | {"deployment_id": mine["id"]}, active=False) == 404


def test_slugs_are_unique_within_a_deployment(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY | {"slug": "a"}])
    response = add(api, deployment, HOURLY | {"slug": "b"}, HOURLY | {"slug": "a"})
    assert response.status_code == 409
    assert "unique" in json.loads(response.content)["detail"]
    assert len(read(api, deployment)) == 1
    deploy(api, name="other", schedules=[HOURLY | {"slug": "a"}])


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        ({"schedule": {"interval": 1e-6}}, "interval"),
        ({"schedule": {"cron": "every day"}}, "schedules[1].schedule.cron"),
        ({"schedule": {"rrule": "FREQ=SECONDLY;INTERVAL=0"}}, "schedules[1].schedule.rrule"),
        ({"schedule": {"interval": 60, "timezone": "Mars"}}, "timezone"),
        ({"schedule": {"interval": 60}, "max_scheduled_runs": 0}, "max_scheduled_runs"),
        ({"schedule": "daily"}, "interval, cron, rrule"),
        ({"active": True}, "schedule"),
    ],
)
def test_what_gives_no_dates_is_refused_by_name(api: Api, schedule: Any, name: str) -> None:
    deployment = deploy(api)
    response = add(api, deployment, HOURLY, schedule)
    assert response.status_code == 422
    assert name in response.content.decode()
    assert read(api, deployment) == []


def test_a_deployment_has_a_limited_number_of_schedules(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY] * MAX_SCHEDULES)
    assert add(api, deployment, HOURLY).status_code == 422
    assert add(api, deployment, *[HOURLY] * (MAX_SCHEDULES + 1)).status_code == 422


def test_a_change_forgets_the_future_runs_of_that_schedule_only(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY, {"schedule": {"cron": "@hourly"}}])
    schedule_runs()
    before = runs_of(api, deployment)
    changed = deployment["schedules"][0]
    assert change(api, changed, active=False) == 204
    kept = [run for run in before if run["created_by"]["id"] != changed["id"]]
    assert 0 < len(kept) < len(before)
    assert runs_of(api, deployment) == kept


def test_a_paused_deployment_makes_no_runs_until_it_is_resumed(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY])
    schedule_runs()
    asked_for = api.post(f"/deployments/{deployment['id']}/create_flow_run", {})
    assert api.post(f"/deployments/{deployment['id']}/pause_deployment").status_code == 200
    assert schedule_runs() == 0
    left = [run["id"] for run in runs_of(api, deployment)]
    assert left == [json.loads(asked_for.content)["id"]]
    assert json.loads(api.get(f"/deployments/{deployment['id']}").content)["paused"] is True
    assert api.post(f"/deployments/{deployment['id']}/resume_deployment").status_code == 200
    assert schedule_runs() > 0


def patch(api: Api, deployment: dict[str, Any], *schedules: Any) -> Any:
    path = f"/deployments/{deployment['id']}"
    return api.request("PATCH", path, {"schedules": list(schedules)})


def test_schedules_with_slugs_are_patched_by_them_and_the_rest_is_kept(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY | {"slug": "a"}, HOURLY | {"slug": "b"}])
    ids = {each["slug"]: each["id"] for each in deployment["schedules"]}
    renamed = {"schedule": {"cron": "@daily"}, "slug": "new", "replaces": "a"}
    assert patch(api, deployment, renamed, HOURLY | {"slug": "c"}).status_code == 204
    after = {each["slug"]: each for each in read(api, deployment)}
    assert set(after) == {"new", "b", "c"}
    assert (after["new"]["id"], after["b"]["id"]) == (ids["a"], ids["b"])
    assert after["new"]["schedule"]["cron"] == "@daily"


def test_patching_without_slugs_where_all_have_one_is_refused(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY | {"slug": "a"}])
    response = patch(api, deployment, HOURLY)
    assert response.status_code == 422
    assert "slug" in json.loads(response.content)["detail"]
    assert patch(api, deployment, {"slug": "unknown"}).status_code == 422
    assert [each["slug"] for each in read(api, deployment)] == ["a"]


def test_schedules_without_slugs_are_replaced_by_a_patch(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY, HOURLY | {"slug": "a"}])
    assert patch(api, deployment, {"schedule": {"cron": "@daily"}}).status_code == 204
    assert [each["schedule"].get("cron") for each in read(api, deployment)] == ["@daily"]


def test_a_patch_of_other_things_keeps_schedules_and_makes_their_runs_anew(api: Api) -> None:
    deployment = deploy(api, schedules=[HOURLY], parameters={"order": 1})
    schedule_runs()
    api.request("PATCH", f"/deployments/{deployment['id']}", {"parameters": {"order": 2}})
    assert runs_of(api, deployment) == []
    assert schedule_runs() == 3
    assert runs_of(api, deployment)[0]["parameters"] == {"order": 2}
