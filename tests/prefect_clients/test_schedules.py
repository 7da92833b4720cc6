"""Schedules and limits as Prefect's client uses them: in `serve` and on its command line.

That 3.9 renews leases quickly here is all that is changed of it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.acceptance.clients import resume, until
from tests.prefect_clients.clients import PrefectClient, Process
from tests.servers import ApprovalsServer


@contextmanager
def serving(how: str, prefect: PrefectClient) -> Iterator[Process]:
    process = prefect.start_flow("scheduled.py", how)
    until(lambda: "prefect deployment run" in process.output)
    yield process
    process.end()


def deploy(how: str, prefect: PrefectClient) -> str:
    return prefect.start_flow("scheduled.py", how).finish().split()[-1]


def read_deployment(api: httpx.Client, name: str) -> dict[str, Any]:
    return dict(api.get(f"/deployments/name/{name}").raise_for_status().json())


def runs_of(api: httpx.Client, deployment_id: str, *names: str) -> list[dict[str, Any]]:
    """Return runs of the deployment, soonest first; with names only those in these states."""
    criteria: dict[str, Any] = {"deployment_id": {"any_": [deployment_id]}}
    if names:
        criteria["state"] = {"name": {"any_": names}}
    body = {"flow_runs": criteria, "sort": "EXPECTED_START_TIME_ASC"}
    return list(api.post("/flow_runs/filter", json=body).raise_for_status().json())


def start_run(api: httpx.Client, deployment_id: str, **parameters: Any) -> str:
    body = {"parameters": parameters}
    created = api.post(f"/deployments/{deployment_id}/create_flow_run", json=body)
    return str(created.raise_for_status().json()["id"])


def makers_of(api: httpx.Client, deployment_id: str) -> set[str]:
    """Return the names of the schedules that made the deployment's runs."""
    return {run["created_by"]["display_value"] for run in runs_of(api, deployment_id)}


def name_of_state(api: httpx.Client, run: str) -> str:
    return str(api.get(f"/flow_runs/{run}").json()["state_name"])


def let_leases_end(server: ApprovalsServer) -> int:
    """Let the time of all leases pass that have an end, and return how many leases there are."""
    path = server.home / "approvals.sqlite3"
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as database:
        database.execute(
            "UPDATE flowruns_slotlease SET expires_at = '2026-01-01' WHERE expires_at NOT NULL"
        )
        count: int = database.execute("SELECT count(*) FROM flowruns_slotlease").fetchone()[0]
        return count


def test_a_served_interval_makes_runs_that_are_executed(
    api: httpx.Client, prefect: PrefectClient
) -> None:
    with serving("serve_every_ten_seconds", prefect):
        deployment = read_deployment(api, "tick/often")
        assert deployment["schedules"][0]["schedule"]["interval"] == 10
        before = len(runs_of(api, deployment["id"], "Completed"))
        done = until(lambda: runs_of(api, deployment["id"], "Completed")[before:])
        assert done[-1]["parameters"] == {"word": "quick", "loud": True}
        assert done[-1]["auto_scheduled"] is True
    # As Prefect's runner does when it ends
    until(lambda: read_deployment(api, "tick/often")["paused"])
    assert runs_of(api, deployment["id"], "Scheduled", "Late") == []


def test_runs_of_schedules_are_made_ahead_and_managed_on_the_command_line(
    api: httpx.Client, newest: PrefectClient
) -> None:
    name = "tick/planned"
    deployment = deploy("deploy_with_schedules", newest)
    until(lambda: len(runs_of(api, deployment)) >= 6)
    for run in runs_of(api, deployment):
        if run["parameters"]["word"] == "up":
            due = datetime.fromisoformat(run["expected_start_time"])
            assert f"{due.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "09:00"
    assert makers_of(api, deployment) == {"mornings", "even"}
    assert "0 9 * * *" in newest.command("deployment", "schedule", "ls", name)
    schedules = {each["slug"]: each["id"] for each in read_deployment(api, name)["schedules"]}
    newest.command("deployment", "schedule", "pause", name, schedules["even"])
    until(lambda: makers_of(api, deployment) == {"mornings"})
    newest.command("deployment", "schedule", "resume", name, schedules["fridays"])
    until(lambda: makers_of(api, deployment) == {"mornings", "fridays"})
    newest.command("deployment", "schedule", "delete", name, schedules["mornings"], "--accept-yes")
    newest.command("deployment", "schedule", "create", name, "--interval", "7200")
    until(lambda: makers_of(api, deployment) == {"fridays", "IntervalSchedule"})
    newest.command("deployment", "schedule", "clear", name, "--accept-yes")
    assert read_deployment(api, name)["schedules"] == []
    assert runs_of(api, deployment) == []


def test_a_paused_deployment_waits_and_a_run_may_be_asked_for(
    api: httpx.Client, newest: PrefectClient
) -> None:
    deployment = deploy("deploy_paused", newest)
    assert read_deployment(api, "tick/still")["paused"] is True
    printed = newest.command(
        "deployment", "run", "tick/still", "--param", "word=now", "--start-in", "1h"
    )
    [run] = [run for run in runs_of(api, deployment) if run["id"] in printed]
    due = datetime.fromisoformat(run["expected_start_time"])
    assert timedelta(minutes=58) < due - datetime.now(UTC) <= timedelta(hours=1)


def test_a_serving_process_keeps_its_limit(
    api: httpx.Client, newest: PrefectClient, tmp_path: Path
) -> None:
    with serving("serve_one_at_a_time", newest):
        deployment = read_deployment(api, "wait-for-file/one")["id"]
        given = {"folder": str(tmp_path)}
        runs = {start_run(api, deployment, number=number, **given) for number in range(2)}
        until(lambda: list(tmp_path.glob("begun-*")))
        until(lambda: runs_of(api, deployment, "Late"))
        assert len(list(tmp_path.glob("begun-*"))) == 1
        (tmp_path / "end").touch()
        until(lambda: {name_of_state(api, run) for run in runs} == {"Completed"})


def test_a_paused_run_keeps_the_only_slot_for_longer_than_its_lease_and_goes_on(
    api: httpx.Client, server: ApprovalsServer, prefect: PrefectClient, tmp_path: Path
) -> None:
    """On a Prefect server the second run starts meanwhile, and the first crashes."""
    with serving("serve_with_a_limit_for_all", prefect):
        deployment = read_deployment(api, "ask/limited")
        given = {"folder": str(tmp_path)}
        first = start_run(api, deployment["id"], number=0, **given)
        until(lambda: name_of_state(api, first) == "Paused")
        second = start_run(api, deployment["id"], number=1, **given)
        until(lambda: name_of_state(api, second) == "AwaitingConcurrencySlot")
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert let_leases_end(server) == 1
        begun = datetime.now(UTC)
        until(lambda: datetime.now(UTC) - begun > timedelta(seconds=4))  # several renewals
        assert not list(tmp_path.glob("asking-1"))
        until(lambda: resume(api, first, {"value": 4})["status"] == "ACCEPT")
        until(lambda: name_of_state(api, first) == "Completed")
        until(lambda: name_of_state(api, second) == "Paused")
        until(lambda: resume(api, second, {"value": 5})["status"] == "ACCEPT")
        until(lambda: name_of_state(api, second) == "Completed")
    assert let_leases_end(server) == 0


def test_global_limits_are_managed_on_the_command_line(newest: PrefectClient) -> None:
    newest.command("gcl", "create", "warehouse", "--limit", "3")
    assert "warehouse" in newest.command("gcl", "ls")
    newest.command("gcl", "update", "warehouse", "--limit", "5")
    assert "5" in newest.command("gcl", "inspect", "warehouse")
    newest.command("gcl", "delete", "warehouse")
    assert "warehouse" not in newest.command("gcl", "ls")


@pytest.mark.parametrize("limit", ["tag:slow", "database"])
def test_tasks_wait_for_slots_of_limits_by_name_and_by_tag(
    api: httpx.Client, prefect: PrefectClient, tmp_path: Path, limit: str
) -> None:
    """One of the two limits lets one task at a time go on, the other all of them."""
    for name in ("tag:slow", "database"):
        api.delete(f"/v2/concurrency_limits/{name}")
        body = {"name": name, "limit": 1 if name == limit else 9}
        api.post("/v2/concurrency_limits/", json=body).raise_for_status()
    api.delete("/v2/concurrency_limits/requests")
    rate = {"name": "requests", "limit": 9, "slot_decay_per_second": 1}
    api.post("/v2/concurrency_limits/", json=rate).raise_for_status()
    notes = tmp_path / "notes"
    prefect.start_flow("limited_tasks.py", str(notes)).finish()
    assert notes.read_text().split() == ["begin", "end"] * 3
    limits = api.post("/v2/concurrency_limits/filter", json={}).json()
    taken = {each["name"]: each["active_slots"] for each in limits}
    assert (taken["tag:slow"], taken["database"]) == (0, 0)
