"""Flows of Prefect's client when the server has a power cut and comes back at the same place."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.clients import resume, until
from tests.browser.desk import PASSWORD
from tests.prefect_clients.clients import PrefectClient, Process, results
from tests.prefect_clients.served import (
    serve,
    start,
    start_by_api,
    started_run,
    wait_for_question,
    wait_for_state,
    wait_for_the_end_of_process,
)
from tests.reviewing import log_in, reject
from tests.servers import ApprovalsServer, approvals_server

# Together, because of their server.
pytestmark = pytest.mark.xdist_group("prefect-faults")

APPROVE = {"approve": True}


@pytest.fixture(scope="module")
def server() -> Iterator[ApprovalsServer]:
    """A server of our own, which is killed."""
    with approvals_server() as running:
        running.create_user("alice", password=PASSWORD)
        yield running


@pytest.fixture
def serving(prefect: PrefectClient, notes: Path) -> Process:
    return serve(prefect, notes)


@pytest.fixture
def runs(api: httpx.Client, serving: Process, notes: Path) -> dict[str, str]:
    """A run that is suspended, one that is paused, and one whose task lasts until told to end.

    No request is due in the next seconds: Prefect 3.4's client gives up at once where a server is
    not there.
    """
    runs = {
        "hold": start_by_api(api, "hold", notes, go_on=str(notes.with_name("go on"))),
        "refund": start_by_api(api, "refund", notes),
        "ask": start_by_api(api, "ask", notes, poll_interval=20),
    }
    wait_for_question(api, runs["refund"])
    until(lambda: "holding" in notes.read_text())
    wait_for_question(api, runs["ask"], last="description")
    return runs


def wait_for_more_task_runs(api: httpx.Client) -> None:
    """Wait until another task run has been reported."""

    def count() -> int:
        return int(api.post("/task_runs/count", json={}).raise_for_status().json())

    before = count()
    until(lambda: count() > before)


def test_paused_suspended_and_running_flows_outlive_a_power_cut_of_the_server(
    api: httpx.Client, server: ApprovalsServer, runs: dict[str, str], notes: Path
) -> None:
    away = server.restart_at_once()
    back = time.monotonic()
    notes.with_name("go on").touch()
    for flow in ("refund", "ask"):
        assert resume(api, runs[flow], APPROVE)["status"] == "ACCEPT"
    for flow, run in runs.items():
        wait_for_state(api, run, "Completed")
        print(f"{flow} completed {time.monotonic() - back:.1f} s after {away:.1f} s away")
    steps = api.post("/task_runs/filter", json={"task_runs": {"name": {"like_": "hold_on"}}})
    assert steps.json()[0]["state_type"] == "COMPLETED"


def test_a_runner_still_ends_rejected_runs_after_a_power_cut_of_the_server(
    api: httpx.Client, server: ApprovalsServer, serving: Process, notes: Path
) -> None:
    """Prefect 3.4's hears of no events from then on, and asks."""
    # It listens once it runs something, and a cut while it begins would end it
    wait_for_question(api, start_by_api(api, "refund", notes))
    wait_for_the_end_of_process(notes)
    notes.unlink()
    server.restart_at_once()
    run = start_by_api(api, "ask", notes)
    wait_for_question(api, run, last="description")
    rejected = time.monotonic()
    with log_in(server.url, "alice", PASSWORD) as alice:
        reject(alice, run, "No receipt")
    wait_for_the_end_of_process(notes)
    print(f"the process of a rejected run ended after {time.monotonic() - rejected:.1f} s")
    assert api.get(f"/flow_runs/{run}").json()["state_name"] == "Rejected"


def test_who_watches_runs_hears_of_their_end_after_a_power_cut_of_the_server(
    api: httpx.Client, server: ApprovalsServer, newest: PrefectClient, notes: Path
) -> None:
    """For eight seconds Prefect 3.9's client tries to connect; that of 3.4 never does again."""
    serve(newest, notes)
    go_on = notes.with_name("go on")
    watching = start(newest, "work", notes, go_on=str(go_on))
    run = started_run(watching)
    until(lambda: "work in" in notes.read_text())
    wait_for_more_task_runs(api)  # a cut while it begins to send events would end that
    server.restart_at_once()
    wait_for_more_task_runs(api)
    go_on.touch()
    assert results(watching.finish())[-1] == {"state": "Completed"}
    wait_for_state(api, run, "Completed")


def test_a_server_that_is_away_for_longer_finds_its_flows_again(
    api: httpx.Client, server: ApprovalsServer, newest: PrefectClient, notes: Path
) -> None:
    """Prefect's client warns of what it could not send meanwhile."""
    serve(newest, notes).may_complain = True
    runs = [start_by_api(api, flow, notes) for flow in ("refund", "ask")]
    for run, last in zip(runs, ("schema", "description"), strict=True):
        wait_for_question(api, run, last=last)
    with server.away():
        time.sleep(10)  # longer than its websockets are tried
    for run in runs:
        assert resume(api, run, APPROVE)["status"] == "ACCEPT"
        wait_for_state(api, run, "Completed")
