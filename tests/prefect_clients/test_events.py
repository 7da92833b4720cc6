"""Prefect's clients and our websockets: nothing is polled for, and nobody complains."""

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.acceptance.clients import connect, make_run, set_state, state_of, until
from tests.prefect_clients.clients import PrefectClient
from tests.servers import ApprovalsServer, approvals_server

# More than the half second in which a server notices what another one has stored, also on a busy
# machine. Prefect's client does not poll: it would wait for hours.
AT_ONCE_SECONDS = 30
NO_POLLING = {"PREFECT_RUNNER_POLL_FREQUENCY": "20", "PREFECT_LOGGING_LEVEL": "DEBUG"}


@pytest.fixture
def server() -> Iterator[ApprovalsServer]:
    """A server of each test's own: Prefect 3.4's observers fail at what others have cancelled."""
    with approvals_server() as running:
        yield running


def task_runs_of(api: httpx.Client, *states: str) -> list[dict[str, Any]]:
    body = {"task_runs": {"state": {"type": {"any_": states}}}}
    return list(api.post("/task_runs/filter", json=body).raise_for_status().json())


@pytest.mark.parametrize("is_alone", [False, True])
def test_a_flow_with_tasks_leaves_no_warning_and_all_of_its_task_runs(
    api: httpx.Client, prefect: PrefectClient, is_alone: bool
) -> None:
    if is_alone:
        del prefect.settings["PREFECT_API_KEY"]
    script = prefect.start_flow("flow_with_tasks.py")
    script.may_complain = True
    script.finish()
    assert all("the first time" in line for line in script.complaints)
    until(lambda: len(task_runs_of(api, "COMPLETED")) == 11)
    done = task_runs_of(api, "COMPLETED")
    assert task_runs_of(api, "PENDING", "RUNNING") == []
    names = sorted(found["name"].rpartition("-")[0] for found in done)
    assert names == ["add"] * 5 + ["async-child", "child", "fails_once"] + ["later"] * 3
    assert all(found["start_time"] <= found["end_time"] for found in done)


def test_who_waits_for_a_run_hears_of_its_end_at_once(
    api: httpx.Client, prefect: PrefectClient
) -> None:
    end_while_somebody_waits(api, prefect)


def test_an_end_in_one_process_is_heard_in_another(
    database_url: str, newest: PrefectClient
) -> None:
    with (
        approvals_server("--no-background", DATABASE_URL=database_url) as one,
        approvals_server("--no-background", home=one.home, DATABASE_URL=database_url) as two,
        connect(two) as api,
    ):
        end_while_somebody_waits(api, replace(newest, server=one))


def end_while_somebody_waits(api: httpx.Client, prefect: PrefectClient) -> None:
    run = make_run(api)
    waiting = prefect.start_flow("wait_for_run.py", run)
    until_connected(prefect.server)
    ended = time.time()
    set_state(api, run, "COMPLETED")
    heard = re.search(r"heard of Completed at ([\d.]+)", waiting.finish())
    assert heard
    print(f"heard after {float(heard[1]) - ended:.3f} s")
    assert float(heard[1]) - ended < AT_ONCE_SECONDS


def until_connected(server: ApprovalsServer) -> None:
    """Wait until a websocket is open: it is asked for just before the run is read."""
    until(lambda: server.count_connections() > 1)  # one is ours


def test_a_script_loses_no_event_of_a_server_that_has_a_power_cut(
    api: httpx.Client, server: ApprovalsServer, newest: PrefectClient
) -> None:
    """That of 3.4 loses what it sends just then: it does not try again where nobody is."""
    script = newest.start_flow("steps.py", "80")
    until(lambda: task_runs_of(api, "COMPLETED"))
    server.restart_at_once()
    script.finish()
    until(lambda: len(task_runs_of(api, "COMPLETED")) == 80)


def test_a_served_run_is_cancelled_without_polling(
    api: httpx.Client, prefect: PrefectClient
) -> None:
    with_served_steps(api, prefect, {"type": "CANCELLING"}, "CANCELLED")


def test_a_served_run_is_suspended_without_polling(
    api: httpx.Client, newest: PrefectClient
) -> None:
    """Prefect's engine listens for suspensions since 3.8."""
    suspended = {"name": "Suspended", "state_details": {"pause_reschedule": True}}
    with_served_steps(api, newest, {"type": "PAUSED", **suspended}, "PAUSED")


def with_served_steps(
    api: httpx.Client, prefect: PrefectClient, proposed: dict[str, Any], ends_in: str
) -> None:
    """Stop a served run in the midst of its steps; those who are to hear of it do not poll."""
    prefect.settings |= NO_POLLING
    serving = prefect.start_flow("steps.py")
    serving.may_complain = True  # of the task in whose midst it is ended
    by_name = "/deployments/name/steps/desk"
    deployment = until(lambda: (found := api.get(by_name)).status_code == 200 and found.json())
    path = f"/deployments/{deployment['id']}/create_flow_run"
    run = api.post(path, json={}).raise_for_status().json()["id"]
    until(lambda: len(task_runs_of(api, "COMPLETED")) >= 3)
    answer = api.post(f"/flow_runs/{run}/set_state", json={"state": proposed})
    assert answer.raise_for_status().json()["status"] == "ACCEPT"
    until(lambda: state_of(api, run) == ends_in and has_fallen_silent(api))
    assert "to polling" not in serving.output


def has_fallen_silent(api: httpx.Client) -> bool:
    """Whether no task run ends within two seconds; each takes a tenth of one."""
    before = len(task_runs_of(api, "COMPLETED"))
    time.sleep(2)
    return len(task_runs_of(api, "COMPLETED")) == before
