"""The `prefect` command, with what a user types first."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.acceptance.clients import make_run, set_state
from tests.prefect_clients.clients import PrefectClient

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


def test_it_says_which_server_it_is_connected_to(prefect: PrefectClient) -> None:
    assert "Server type:          server" in prefect.command("version")
    assert prefect.server.api_url in prefect.command("config", "view")


def test_runs_are_listed_shown_and_cancelled(prefect: PrefectClient, api: httpx.Client) -> None:
    run = make_run(api, name="calm-otter", tags=["money"])
    line = {"name": "flow", "level": 20, "message": "half way", "timestamp": "2026-11-24T00:00:00Z"}
    api.post("/logs/", json=[{**line, "flow_run_id": run}]).raise_for_status()
    assert "by hand" in prefect.command("flow", "ls")
    assert "calm-otter" in prefect.command("flow-run", "ls")
    assert "name='calm-otter'" in prefect.command("flow-run", "inspect", run)
    assert "Flow run 'calm-otter' - half way" in prefect.command("flow-run", "logs", run)
    assert "scheduled for cancellation" in prefect.command("flow-run", "cancel", run)
    assert api.get(f"/flow_runs/{run}").json()["state_name"] == "Cancelling"


def test_deployments_are_listed_shown_and_run(
    prefect: PrefectClient, api: httpx.Client, deployment: dict[str, Any]
) -> None:
    assert "refund/desk" in prefect.command("deployment", "ls")
    assert "flows.py:refund" in prefect.command("deployment", "inspect", "refund/desk")
    said = prefect.command("deployment", "run", "refund/desk", "--param", "order=7")
    assert "Created flow run" in said
    [run] = api.post("/flow_runs/filter", json={"limit": 1}).json()
    assert (run["parameters"], run["deployment_id"]) == ({"order": 7}, deployment["id"])


def test_limits_of_tags_are_made_shown_reset_and_deleted(
    prefect: PrefectClient, api: httpx.Client
) -> None:
    assert "tag - 'money'" in prefect.command("concurrency-limit", "create", "money", "2")
    task_run = str(uuid4())
    slots = {"names": ["money"], "task_run_id": task_run}
    api.post("/concurrency_limits/increment", json=slots).raise_for_status()
    assert "money" in prefect.command("concurrency-limit", "ls")
    assert task_run in prefect.command("concurrency-limit", "inspect", "money")
    assert "Reset concurrency limit" in prefect.command("concurrency-limit", "reset", "money")
    assert api.get("/concurrency_limits/tag/money").json()["active_slots"] == []
    assert "Deleted concurrency limit" in prefect.command("concurrency-limit", "delete", "money")


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
    assert "Server is available" in newest.command("server", "status")
    assert "Deleted deployment" in newest.command("deployment", "delete", "refund/desk")
