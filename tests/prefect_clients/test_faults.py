"""Flows of Prefect's client when the server has a power cut."""

import time
from pathlib import Path

import httpx
import pytest

from tests.acceptance.clients import resume, until
from tests.prefect_clients.clients import PrefectClient
from tests.prefect_clients.served import serve, wait_for_state
from tests.servers import ApprovalsServer


@pytest.fixture
def runs(api: httpx.Client, newest: PrefectClient, notes: Path) -> dict[str, str]:
    """A run that is suspended, one that is paused, and one that works until it is told to end."""
    serve(newest, notes)
    parameters = {"notes": str(notes)}
    given = {
        "refund": parameters,
        "ask": parameters,
        "work": {**parameters, "go_on": str(notes.with_name("go on"))},
    }
    runs = {}
    for flow, values in given.items():
        deployment = api.get(f"/deployments/name/{flow}/desk").raise_for_status().json()
        path = f"/deployments/{deployment['id']}/create_flow_run"
        created = api.post(path, json={"parameters": values}).raise_for_status()
        runs[flow] = created.json()["id"]
    wait_for_state(api, runs["refund"], "Suspended")
    wait_for_state(api, runs["ask"], "Paused")
    until(lambda: "work in" in notes.read_text(), within=60)
    return runs


def test_paused_suspended_and_running_flows_outlive_a_power_cut_of_the_server(
    api: httpx.Client, server: ApprovalsServer, runs: dict[str, str], notes: Path
) -> None:
    server.kill()
    time.sleep(2)
    server.start()
    notes.with_name("go on").touch()
    for flow in ("refund", "ask"):
        assert resume(api, runs[flow], {"approve": True})["status"] == "ACCEPT"
    for run in runs.values():
        wait_for_state(api, run, "Completed")
