"""Schedules and limits as Prefect's client uses them: in `serve` and on its command line.

That it renews leases quickly here is all that is changed of it.
"""

import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.acceptance.clients import connect, resume
from tests.acceptance.clients import until as until_soon
from tests.servers import PREFECT_PYTHON, ApprovalsServer, approvals_server, prefect_environment

FLOWS = Path(__file__).parent / "prefect_flows" / "scheduled.py"
PATIENCE_SECONDS = 120

# A client takes seconds to start: nobody is asked more often than that deserves.
until = partial(until_soon, within=PATIENCE_SECONDS, every=0.25)


@pytest.fixture(scope="module")
def server() -> Iterator[ApprovalsServer]:
    with approvals_server() as running:
        yield running


@pytest.fixture
def api(server: ApprovalsServer) -> Iterator[httpx.Client]:
    with connect(server) as client:
        yield client


@pytest.fixture
def environment(server: ApprovalsServer, tmp_path: Path) -> dict[str, str]:
    ours = {"PREFECT_API_URL": server.api_url, "PREFECT_API_KEY": server.api_key}
    haste = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "COLUMNS": "200"}
    return prefect_environment(tmp_path) | ours | haste


@pytest.fixture
def prefect(environment: dict[str, str]) -> Callable[..., str]:
    """Runs the `prefect` command and returns what it prints."""

    def run(*arguments: str) -> str:
        command = [str(PREFECT_PYTHON.with_name("prefect")), "--no-prompt", *arguments]
        return run_to_its_end(command, environment)

    return run


@contextmanager
def serving(how: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [PREFECT_PYTHON, "-u", FLOWS, how],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: "prefect deployment run" in log.read_text())
        yield
    finally:
        process.send_signal(signal.SIGINT)  # Ctrl-C
        process.wait(PATIENCE_SECONDS)


def run_to_its_end(command: list[str], environment: dict[str, str]) -> str:
    result = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def deploy(how: str, environment: dict[str, str]) -> str:
    return run_to_its_end([str(PREFECT_PYTHON), str(FLOWS), how], environment).split()[-1]


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
    api: httpx.Client, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving("serve_every_ten_seconds", environment, tmp_path / "log"):
        deployment = read_deployment(api, "tick/often")
        assert deployment["schedules"][0]["schedule"]["interval"] == 10
        done = until(lambda: runs_of(api, deployment["id"], "Completed"))
        assert done[0]["parameters"] == {"word": "quick", "loud": True}
        assert done[0]["auto_scheduled"] is True
    # as Prefect's runner does when it ends
    until(lambda: read_deployment(api, "tick/often")["paused"])
    assert runs_of(api, deployment["id"], "Scheduled", "Late") == []


def test_runs_of_schedules_are_made_ahead_and_managed_on_the_command_line(
    api: httpx.Client, environment: dict[str, str], prefect: Callable[..., str]
) -> None:
    name = "tick/planned"
    deployment = deploy("deploy_with_schedules", environment)
    until(lambda: len(runs_of(api, deployment)) >= 6)
    for run in runs_of(api, deployment):
        if run["parameters"]["word"] == "up":
            due = datetime.fromisoformat(run["expected_start_time"])
            assert f"{due.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "09:00"
    assert makers_of(api, deployment) == {"mornings", "even"}
    assert "0 9 * * *" in prefect("deployment", "schedule", "ls", name)
    schedules = {each["slug"]: each["id"] for each in read_deployment(api, name)["schedules"]}
    prefect("deployment", "schedule", "pause", name, schedules["even"])
    until(lambda: makers_of(api, deployment) == {"mornings"})
    prefect("deployment", "schedule", "resume", name, schedules["fridays"])
    until(lambda: makers_of(api, deployment) == {"mornings", "fridays"})
    prefect("deployment", "schedule", "delete", name, schedules["mornings"], "--accept-yes")
    prefect("deployment", "schedule", "create", name, "--interval", "7200")
    until(lambda: makers_of(api, deployment) == {"fridays", "IntervalSchedule"})
    prefect("deployment", "schedule", "clear", name, "--accept-yes")
    assert read_deployment(api, name)["schedules"] == []
    assert runs_of(api, deployment) == []


def test_a_paused_deployment_waits_and_a_run_may_be_asked_for(
    api: httpx.Client, environment: dict[str, str], prefect: Callable[..., str]
) -> None:
    deployment = deploy("deploy_paused", environment)
    assert read_deployment(api, "tick/still")["paused"] is True
    printed = prefect("deployment", "run", "tick/still", "--param", "word=now", "--start-in", "1h")
    [run] = runs_of(api, deployment)
    assert run["id"] in printed
    due = datetime.fromisoformat(run["expected_start_time"])
    assert timedelta(minutes=58) < due - datetime.now(UTC) <= timedelta(hours=1)


def test_a_serving_process_keeps_its_limit(
    api: httpx.Client, environment: dict[str, str], tmp_path: Path
) -> None:
    with serving("serve_one_at_a_time", environment, tmp_path / "log"):
        deployment = read_deployment(api, "wait-for-file/one")["id"]
        for number in range(2):
            start_run(api, deployment, folder=str(tmp_path), number=number)
        until(lambda: list(tmp_path.glob("begun-*")))
        until(lambda: runs_of(api, deployment, "Late"))
        assert len(list(tmp_path.glob("begun-*"))) == 1
        (tmp_path / "end").touch()
        until(lambda: len(runs_of(api, deployment, "Completed")) == 2)


def test_a_paused_run_keeps_the_only_slot_for_longer_than_its_lease_and_goes_on(
    api: httpx.Client, server: ApprovalsServer, environment: dict[str, str], tmp_path: Path
) -> None:
    """On a Prefect server the second run starts meanwhile, and the first crashes."""
    with serving("serve_with_a_limit_for_all", environment, tmp_path / "log"):
        deployment = read_deployment(api, "ask/limited")
        first, second = (
            start_run(api, deployment["id"], folder=str(tmp_path), number=number)
            for number in range(2)
        )
        until(lambda: name_of_state(api, first) == "Paused")
        until(lambda: name_of_state(api, second) == "AwaitingConcurrencySlot")
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert let_leases_end(server) == 1
        log = tmp_path / "log"
        begun = datetime.now(UTC)
        until(lambda: datetime.now(UTC) - begun > timedelta(seconds=4))  # several renewals
        assert not list(tmp_path.glob("asking-1"))
        until(lambda: resume(api, first, {"value": 4})["status"] == "ACCEPT")
        until(lambda: name_of_state(api, first) == "Completed")
        until(lambda: name_of_state(api, second) == "Paused")
        until(lambda: resume(api, second, {"value": 5})["status"] == "ACCEPT")
        until(lambda: name_of_state(api, second) == "Completed")
        assert "lease" not in log.read_text()
    assert let_leases_end(server) == 0


def test_global_limits_are_managed_on_the_command_line(prefect: Callable[..., str]) -> None:
    prefect("gcl", "create", "database", "--limit", "3")
    assert "database" in prefect("gcl", "ls")
    prefect("gcl", "update", "database", "--limit", "5")
    assert "5" in prefect("gcl", "inspect", "database")
    prefect("gcl", "delete", "database")
    assert "database" not in prefect("gcl", "ls")


@pytest.mark.parametrize("limit", ["tag:slow", "database"])
def test_tasks_wait_for_slots_of_limits_by_name_and_by_tag(
    api: httpx.Client, environment: dict[str, str], tmp_path: Path, limit: str
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
    script = FLOWS.with_name("limited_tasks.py")
    run_to_its_end([str(PREFECT_PYTHON), str(script), str(notes)], environment)
    assert notes.read_text().split() == ["begin", "end"] * 3
    limits = api.post("/v2/concurrency_limits/filter", json={}).json()
    taken = {each["name"]: each["active_slots"] for each in limits}
    assert (taken["tag:slow"], taken["database"]) == (0, 0)
