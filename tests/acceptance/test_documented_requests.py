"""The requests that the documents show, sent by curl as they stand there."""

import json
import subprocess
from typing import Any

import pytest

from tests.acceptance.clients import connect, make_run, set_state
from tests.acceptance.people import PASSWORD
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.documents import read_code
from tests.servers import ApprovalsServer

CURLS = [block for block in read_code("sh") if block.startswith("curl ")]


def send(server: ApprovalsServer, request: str, **environment: str) -> tuple[int, Any]:
    """Run a request of the documents, and return its status and what was answered."""
    done = subprocess.run(
        ["sh", "-c", f"{request.rstrip()} --silent --write-out '\\n%{{http_code}}'"],
        env=server.flow_environment | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


@pytest.fixture
def paused(our_server: ApprovalsServer) -> dict[str, Any]:
    """A run that is paused and asks for nothing."""
    with connect(our_server) as api:
        run = make_run(api)
        set_state(api, run, "PAUSED")
        return dict(api.get(f"/flow_runs/{run}").json())


def fill(block: str, run: dict[str, Any]) -> str:
    return block.replace("<flow run id>", run["id"]).replace("<state id>", run["state_id"])


def test_each_documented_request_is_answered(
    our_server: ApprovalsServer, paused: dict[str, Any]
) -> None:
    (resume,) = (block for block in CURLS if "/resume" in block)
    (hold,) = (block for block in CURLS if "Prefer: wait" in block)
    (away,) = (block for block in CURLS if "/desk/absences" in block)
    assert len(CURLS) == 3
    status, verdict = send(our_server, fill(resume, paused))
    assert (status, verdict["status"]) == (201, "ACCEPT"), verdict
    status, run = send(our_server, fill(hold, paused))
    assert (status, run["state"]["type"]) == (200, "RUNNING"), "it has another state by now"
    our_server.manage("createreviewer", "carol", APPROVALS_PASSWORD=PASSWORD)
    our_server.create_user("alice", password=PASSWORD)
    key = our_server.manage("createapikey", "of alice", "--scope", "desk", "--owner", "alice")
    status, absence = send(our_server, away, FLOWRUNS_API_KEY=key.strip())
    assert (status, absence["person"], absence["stand_in"]) == (201, "alice", "carol")
