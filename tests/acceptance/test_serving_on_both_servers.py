"""Served flows, each run in its own process, on our server and on an unmodified Prefect 3.9.1."""

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowruns import (
    FlowRun,
    State,
    StateType,
    resume_flow_run,
    run_deployment,
    suspend_flow_run,
    wait_for_flow_run,
)
from flowruns.exceptions import ObjectNotFound, PauseRefused
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.serving import Server
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.forking import ForkedProcess, fork_python
from tests.logs import follow_log

FLOWS = Path(__file__).with_name("flows_to_serve.py")
type Serve = Callable[..., ForkedProcess]


@pytest.fixture
def serving(server: Server, client: SyncFlowRunsClient, tmp_path: Path) -> Iterator[Serve]:
    """Start a process that serves the flows, and wait until it does."""
    started: list[ForkedProcess] = []

    def start(limit: int = 5, **settings: str) -> ForkedProcess:
        asks = {"FLOWRUNS_SERVE_POLL_SECONDS": "0.5", "HOME": str(tmp_path)}
        log = follow_log(tmp_path / f"serving-{len(started)}.log", "the flows")
        command = [sys.executable, str(FLOWS), str(limit)]
        with log.open("w") as output:
            process = fork_python(command, server.flow_environment | asks | settings, output=output)
        started.append(process)

        def serves() -> bool:
            assert process.poll() is None, log.read_text()
            return "napping/desk" in log.read_text()

        eventually(serves, "the flows are served")
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)


def run(flow: str, timeout: float | None = PATIENCE_SECONDS, **parameters: Any) -> FlowRun:
    finished: FlowRun = run_deployment(
        f"{flow}/desk", parameters=parameters, timeout=timeout, poll_interval=0.3
    )
    return finished


def notes(folder: Path) -> list[str]:
    path = folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def test_a_served_flow_runs_with_its_parameters_and_logs(
    serving: Serve, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    process = serving()
    finished = run("adding", folder=str(tmp_path), a=1)
    assert finished.state_name == "Completed", finished.state
    assert notes(tmp_path) == ["added 3"]
    assert finished.empirical_policy.retries == 1
    assert [state.name for state in client.read_flow_run_states(finished.id)] == [
        *("Scheduled", "Pending", "Running", "Completed")
    ]

    def is_logged() -> bool:
        logs = client.read_logs(log_filter={"flow_run_id": {"any_": [str(finished.id)]}})
        return "1 and 2" in [line.message for line in logs]

    eventually(is_logged, "the flow's output has arrived, which is sent beside its states")
    deployment = client.read_deployment_by_name("adding/desk")
    assert deployment.entrypoint == f"{FLOWS}:adding"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    with pytest.raises(ObjectNotFound, match="adding/shelf"):
        run_deployment("adding/shelf")


def test_two_serving_processes_take_each_run_once(
    serving: Serve, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    serving(limit=1)
    serving(limit=1)
    ids = [run("adding", folder=str(tmp_path), a=number, timeout=0).id for number in range(4)]

    def all_have_ended() -> bool:
        states = [client.read_flow_run(each).state for each in ids]
        return all(state and state.is_completed() for state in states)

    eventually(all_have_ended, "all runs have completed")
    assert sorted(notes(tmp_path)) == sorted(f"added {number + 2}" for number in range(4))


def test_a_run_whose_process_dies_has_crashed(serving: Serve) -> None:
    serving()
    state = run("dying", number=int(signal.SIGKILL)).state
    assert state is not None
    assert state.is_crashed()
    assert state.message == "Flow run process exited with non-zero status code -9 (SIGKILL)."


def test_told_to_end_it_lets_its_runs_finish_and_takes_no_more(
    serving: Serve, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    process = serving()
    begun = run("napping", folder=str(tmp_path), seconds=1.5, timeout=0)
    eventually(lambda: notes(tmp_path), "the run has begun")
    process.send_signal(signal.SIGTERM)
    late = run("adding", folder=str(tmp_path), a=1, timeout=0)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert notes(tmp_path) == ["begun", "done"]
    assert client.read_flow_run(begun.id).state_name == "Completed"
    assert client.read_flow_run(late.id).state_name == "Scheduled"
    client.delete_flow_run(late.id)


def test_a_run_that_outlasts_the_time_of_grace_is_ended(
    serving: Serve, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    process = serving(FLOWRUNS_SERVE_GRACE_SECONDS="0.5")
    begun = run("napping", folder=str(tmp_path), seconds=60, timeout=0)
    eventually(lambda: notes(tmp_path), "the run has begun")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0
    state = client.read_flow_run(begun.id).state
    assert state is not None
    assert state.is_crashed()
    assert state.message == "Execution was aborted by a termination signal."


def test_a_suspended_run_goes_on_in_another_process_with_the_answer(
    serving: Serve, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    serving()
    run_id = run("asking", folder=str(tmp_path), timeout=0).id
    eventually(lambda: client.read_flow_run(run_id).state_name == "Suspended", "it is suspended")
    resume_flow_run(run_id, {"approve": True})
    finished = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert finished.state_name == "Completed", finished.state
    first, *charges, second, answered = notes(tmp_path)
    assert charges == ["charged 1", "charged 2"]
    assert first.startswith("begun by")
    assert second.startswith("begun by")
    assert first != second
    assert answered == "answered True for ['receipt 1', 'receipt 2']"


def test_a_run_that_is_suspended_from_outside_stops_at_its_next_task(
    serving: Serve, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    serving()
    stop = tmp_path / "stop"
    run_id = run("stepping", folder=str(tmp_path), stop=str(stop), timeout=0).id
    eventually(lambda: notes(tmp_path), "the run has begun")
    suspend_flow_run(flow_run_id=run_id)
    with pytest.raises(PauseRefused, match="paused already"):
        suspend_flow_run(flow_run_id=run_id)
    log = tmp_path / "serving-0.log"
    eventually(lambda: "ended with exit code 0" in log.read_text(), "its process ended")
    stop.touch()
    resume_flow_run(run_id)
    finished = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert finished.state_name == "Completed", finished.state
    assert notes(tmp_path) == ["begun", "begun", "done"]


@pytest.mark.parametrize(
    ("flow", "parameters", "grace"),
    [
        ("yielding", {}, 20),
        ("yielding-async", {}, 20),
        ("yielding", {"asks": True}, 20),
        ("stubborn", {}, 1),
    ],
)
def test_a_run_that_is_cancelled_has_its_process_ended_and_its_hooks_called(
    flow: str,
    parameters: dict[str, Any],
    grace: float,
    serving: Serve,
    client: SyncFlowRunsClient,
    tmp_path: Path,
) -> None:
    """Also where it ignores the signal: then another process calls the hooks."""
    serving(FLOWRUNS_SERVE_GRACE_SECONDS=str(grace))
    run_id = run(flow, folder=str(tmp_path), timeout=0, **parameters).id
    eventually(lambda: notes(tmp_path), "the run has begun")
    wanted = "Paused" if parameters else "Running"
    eventually(lambda: client.read_flow_run(run_id).state_name == wanted, f"it is {wanted}")
    client.set_flow_run_state(run_id, State(type=StateType.CANCELLING))
    finished = wait_for_flow_run(run_id, timeout=grace + 15, poll_interval=0.3)
    assert finished.state_name == "Cancelled", finished.state
    assert eventually(lambda: notes(tmp_path)[1:], "the hooks have been called") == [
        "hook saw Cancelled"
    ]
