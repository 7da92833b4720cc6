"""What an operator does with a real server: back up, restore, and let flows go on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.breaking import scene_on
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.postgres import client_programs, create_migrated_database
from tests.servers import ApprovalsServer, approvals_server

pytestmark = pytest.mark.slow
_FLOW = Path(__file__).with_name("flow_that_waits.py")


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[ApprovalsServer]:
    if request.param == "sqlite":
        with approvals_server() as server:
            yield server
        return
    url = create_migrated_database(request.getfixturevalue("postgresql"))
    path = f"{client_programs()}:{os.environ['PATH']}"
    with approvals_server(DATABASE_URL=url, PATH=path) as server:
        yield server


def find_paused(client: httpx.Client) -> str:
    runs = client.post("/flow_runs/filter", json={}).raise_for_status().json()
    return next((run["id"] for run in runs if run["state_type"] == "PAUSED"), "")


def test_a_flow_that_waited_is_answered_on_a_restored_server(
    server: ApprovalsServer, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with (
        scene_on(server, tmp_path) as scene,
        httpx.Client(base_url=server.api_url, headers=headers, timeout=60) as client,
    ):
        flow = scene.run_with(sys.executable, _FLOW, "flowruns", **server.flow_environment)
        waits = eventually(lambda: find_paused(client), "the flow waits")
        assert "The database is in" in server.manage("backup", str(backup))
        client.post("/flows/", json={"name": "after-the-backup"}).raise_for_status()
        with pytest.raises(subprocess.CalledProcessError):
            server.manage("restore", str(backup))
        with server.away():  # killed, so that a write-ahead log lies there
            with pytest.raises(subprocess.CalledProcessError):
                server.manage("restore", str(_FLOW))
            assert "The former one is in" in server.manage("restore", str(backup))
        assert client.get("/flows/name/after-the-backup").status_code == 404
        answer = client.post(f"/flow_runs/{waits}/resume", json={"run_input": {"value": 7}})
        assert answer.json()["status"] == "ACCEPT", answer.text
        assert flow.wait(PATIENCE_SECONDS) == 0
        assert "answered 7" in scene.log_of(flow).read_text()


def test_an_operator_sees_how_a_server_does() -> None:
    token = "a-token-of-twenty-characters"
    with approvals_server(
        METRICS_TOKEN=token, LOG_FORMAT="json", ACCESS_LOG="true", is_command=True
    ) as server:
        found = server.manage("doctor", PUBLIC_URL=server.url)
        for sentence in ("leads to this product", "right host and scheme", "They come through."):
            assert sentence in found
        with httpx.Client(base_url=server.url, timeout=60) as client:
            assert client.get("/metrics").status_code == 401
            shown = client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).text
            assert client.get("/api/ready?loops=1").status_code == 200
        assert 'approvals_request_seconds_count{method="GET",operation="login"' in shown
        assert "approvals_waiting 0.0" in shown
        server.stop()
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    messages = [line["message"] for line in lines]
    assert "serve starts" in messages[0]
    assert "serve has stopped" in messages[-1]
    login = next(line for line in lines if line.get("path") == "/accounts/login/")
    assert (login["status"], len(login["request_id"])) == (200, 16)
