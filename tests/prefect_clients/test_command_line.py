"""The `prefect` command, with what a user types first."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.clients import make_run, set_state, until
from tests.prefect_clients.clients import PrefectClient
from tests.prefect_clients.served import serve

SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}}


@pytest.fixture
def deployment(api: httpx.Client) -> dict[str, Any]:
    flow = api.post("/flows/", json={"name": "refund"}).json()
    body = {
        "name": "desk",
        "flow_id": flow["id"],
        "entrypoint": "flows.py:refund",
        "path": ".",
        "parameter_openapi_schema": SCHEMA,
    }
    deployment: dict[str, Any] = api.post("/deployments/", json=body).json()
    return deployment


def test_it_says_which_server_it_is_connected_to(
    prefect: PrefectClient, deployment: dict[str, Any]
) -> None:
    """The older release's, too, whose commands send what the newest one's do."""
    assert "Server type:          server" in prefect.command("version")
    host = prefect.server.api_url.removeprefix("http://")
    assert host in prefect.command("config", "view")
    assert "refund/desk" in prefect.command("deployment", "ls")


def test_it_says_that_the_server_is_there(newest: PrefectClient) -> None:
    assert "Server is available" in newest.command("server", "status")


def test_runs_are_listed_shown_and_cancelled(newest: PrefectClient, api: httpx.Client) -> None:
    run = make_run(api, name="calm-otter", tags=["money"])
    line = {"name": "flow", "level": 20, "message": "half way", "timestamp": "2026-11-24T00:00:00Z"}
    api.post("/logs/", json=[{**line, "flow_run_id": run}]).raise_for_status()
    assert "by hand" in newest.command("flow", "ls")
    assert "calm-otter" in newest.command("flow-run", "ls")
    assert "name='calm-otter'" in newest.command("flow-run", "inspect", run)
    assert "Flow run 'calm-otter' - half way" in newest.command("flow-run", "logs", run)
    more = newest.command("flow-run", "logs", run, "--num-logs", "250")
    assert "half way" in more  # more than a page, for which it waits to be told of the limit
    assert "scheduled for cancellation" in newest.command("flow-run", "cancel", run)
    assert api.get(f"/flow_runs/{run}").json()["state_name"] == "Cancelling"


def test_deployments_are_listed_shown_and_run(
    newest: PrefectClient, api: httpx.Client, deployment: dict[str, Any]
) -> None:
    assert "refund/desk" in newest.command("deployment", "ls")
    assert "flows.py:refund" in newest.command("deployment", "inspect", "refund/desk")
    said = newest.command("deployment", "run", "refund/desk", "--param", "order=7")
    assert "Created flow run" in said
    [run] = api.post("/flow_runs/filter", json={"limit": 1}).json()
    assert (run["parameters"], run["deployment_id"]) == ({"order": 7}, deployment["id"])


def test_limits_of_tags_are_made_shown_reset_and_deleted(
    newest: PrefectClient, api: httpx.Client
) -> None:
    assert "tag - 'money'" in newest.command("concurrency-limit", "create", "money", "2")
    task_run = str(uuid4())
    slots = {"names": ["money"], "task_run_id": task_run}
    api.post("/concurrency_limits/increment", json=slots).raise_for_status()
    assert "money" in newest.command("concurrency-limit", "ls")
    assert task_run in newest.command("concurrency-limit", "inspect", "money")
    assert "Reset concurrency limit" in newest.command("concurrency-limit", "reset", "money")
    assert api.get("/concurrency_limits/tag/money").json()["active_slots"] == []
    assert "Deleted concurrency limit" in newest.command("concurrency-limit", "delete", "money")


def test_what_one_types_next_is_answered_too(
    newest: PrefectClient, api: httpx.Client, deployment: dict[str, Any]
) -> None:
    run = make_run(api, name="brave-hare")
    set_state(api, run, "FAILED", message="no receipt")
    failed = ("--flow-name", "by hand", "--state", "Failed", "--limit", "5")
    assert "brave-hare" in newest.command("flow-run", "ls", *failed)
    assert "Successfully deleted" in newest.command("flow-run", "delete", run)
    every_hour = ("refund/desk", "--interval", "3600")
    newest.command("deployment", "schedule", "create", *every_hour)
    assert "interval: 1:00:00" in newest.command("deployment", "schedule", "ls", "refund/desk")
    for empty in ("automation", "task-run", "global-concurrency-limit"):
        newest.command(empty, "ls")
    assert "Deleted deployment" in newest.command("deployment", "delete", "refund/desk")


def test_artifacts_are_listed_shown_and_deleted(newest: PrefectClient, api: httpx.Client) -> None:
    run = make_run(api)
    drift = {"key": "drift", "type": "markdown", "data": "# Drift", "flow_run_id": run}
    made = [api.post("/artifacts/", json=drift).raise_for_status().json()["id"] for _ in range(2)]
    assert made[-1] in newest.command("artifact", "ls")
    assert "'data': '# Drift'" in newest.command("artifact", "inspect", "drift")
    assert "Deleted" in newest.command("artifact", "delete", "--id", made[0])
    assert "Deleted 1 artifact" in newest.command("artifact", "delete", "drift")
    assert api.post("/artifacts/count", json={}).json() == 0


def test_a_run_is_started_and_watched_to_its_end(newest: PrefectClient, notes: Path) -> None:
    serve(newest, notes)
    given = ("--param", f'notes="{notes}"', "--param", "seconds=0")
    watched = newest.command("deployment", "run", "nap/desk", *given, "--watch")
    assert "finished successfully" in watched
    assert notes.read_text().splitlines() == ["nap begun", "nap ended"]


def test_events_are_sent_and_watched(newest: PrefectClient) -> None:
    watching = newest.start_command("events", "stream", "--format", "text")
    emitted = newest.command("events", "emit", "receipt.found", "--resource-id", "receipt.7")
    assert "Successfully emitted event" in emitted
    until(lambda: "receipt.found receipt.7" in watching.output)


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        ("work-pool ls", "here, processes that serve a flow start its runs"),
        ("work-queue ls", "here, processes that serve a flow start its runs"),
    ],
)
def test_what_is_not_served_says_so(newest: PrefectClient, command: str, advice: str) -> None:
    said = newest.refused_command(*command.split())
    assert "This server does not serve" in said
    assert advice in said
