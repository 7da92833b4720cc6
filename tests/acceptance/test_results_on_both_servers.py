"""Stored results of tasks and subflows, in a folder and in S3, on our server and on Prefect's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import s3fs

from flowruns import (
    FlowRun,
    resume_flow_run,
    run_deployment,
    suspend_flow_run,
    wait_for_flow_run,
)
from flowruns.sdk.calls.asking import ask
from flowruns.sdk.calls.client import SyncFlowRunsClient
from flowruns.sdk.steps.steps import Send
from tests.acceptance.serving import Server, serving
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.servers import free_port, wait_until_ready

FLOWS = Path(__file__).with_name("flows_with_results.py")
BUCKET = "results-of-flows"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of processes that reach a server with one bucket, as S3 would be reached."""
    port, log = free_port(), tmp_path_factory.mktemp("moto") / "log"
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "moto.server", "--port", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    environment = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "eu-central-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    try:
        wait_until_ready(f"{url}/moto-api/", process, log)
        _bucket(environment).mkdir(BUCKET)
        yield environment
    finally:
        process.kill()
        process.wait()


def _bucket(environment: dict[str, str]) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=environment["AWS_ACCESS_KEY_ID"],
        secret=environment["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        client_kwargs={"region_name": environment["AWS_DEFAULT_REGION"]},
        skip_instance_cache=True,
    )


def _notes(folder: Path) -> list[str]:
    return (folder / "notes").read_text().splitlines()


def _subflows(client: SyncFlowRunsClient, caller_id: UUID, folder: Path) -> list[FlowRun]:
    """Return the flow runs whose task runs are in the run of the caller."""
    runs = client.read_flow_runs(flow_run_filter={"parent_task_run_id": {"is_null_": False}})
    found = [run for run in runs if run.parameters.get("folder") == str(folder)]
    for run in found:
        reply = client.play(ask(Send(method="GET", path=f"/task_runs/{run.parent_task_run_id}")))
        assert reply.json()["flow_run_id"] == str(caller_id)
        assert reply.json()["state_type"] == "COMPLETED"
    return found


def _compose(client: SyncFlowRunsClient, folder: Path) -> None:
    """Run a flow that is suspended after its subflows, and let it go on in another process."""
    run_id = run_deployment("composing/results", parameters={"folder": str(folder)}, timeout=0).id

    def is_suspended() -> bool:
        run = client.read_flow_run(run_id)
        assert run.state_type not in {"FAILED", "CRASHED"}, run.state
        return run.state_name == "Suspended"

    eventually(is_suspended, "it is suspended")
    resume_flow_run(run_id)
    run = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert run.state is not None
    assert run.state_name == "Completed", run.state
    assert run.state.data["type"] == "flowruns.result"
    children = _subflows(client, run_id, folder)
    assert sorted(len(client.read_flow_run_states(child.id)) for child in children) == [3, 3, 3, 5]
    lines = _notes(folder)
    assert [lines.count(each) for each in ("passed", "squared 9")] == [2, 2]
    once = [line for line in lines if line not in {"passed", "squared 9"}]
    assert sorted(once[:-1]) == [
        *("doubled 1", "doubled 15", "squared 1", "squared 2", "squared 3", "summed")
    ]
    assert once[-1] == "went on with 15, [2, 30] and 81"
    if "RESULTS" in os.environ:
        assert run.state.result() == [15, 2, 30]


def test_in_a_folder_completed_subflows_and_tasks_are_found_by_the_next_process(
    server: Server, client: SyncFlowRunsClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / ".flowruns" / "results"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RESULTS", str(results))
    with serving(server, FLOWS, last="doubling/results", RESULTS=str(results), HOME=str(tmp_path)):
        _compose(client, tmp_path)
    # The composing flow, three of its subflows, three squares.
    assert len(list(results.iterdir())) == 7


def test_in_s3_completed_subflows_and_tasks_are_found_by_the_next_process(
    server: Server, client: SyncFlowRunsClient, s3: dict[str, str], tmp_path: Path
) -> None:
    place = f"{BUCKET}/{tmp_path.name}-{type(server).__name__}"
    with serving(server, FLOWS, last="doubling/results", RESULTS=f"s3://{place}", **s3):
        _compose(client, tmp_path)
    names = [path.rpartition("/")[2] for path in _bucket(s3).ls(place)]
    assert len(names) == 8  # with the probe
    assert ".writable" in names


def test_a_bucket_that_does_not_exist_is_named_before_anything_is_done(
    server: Server, client: SyncFlowRunsClient, s3: dict[str, str], tmp_path: Path
) -> None:
    with serving(server, FLOWS, last="doubling/results", RESULTS="s3://nowhere/x", **s3):
        run = run_deployment(
            "composing/results", parameters={"folder": str(tmp_path)}, poll_interval=0.3
        )
    assert run.state_name == "Failed"
    assert "result_storage is 's3://nowhere/x', which cannot be used" in run.state.message
    assert not (tmp_path / "notes").exists()


def test_a_subflow_stops_and_goes_on_with_the_run_that_called_it(
    server: Server, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    with serving(server, FLOWS, last="doubling/results", RESULTS=str(tmp_path / "results")):
        parameters = {"folder": str(tmp_path)}
        run_id = run_deployment("lingering/results", parameters=parameters, timeout=0).id
        notes = tmp_path / "notes"
        eventually(lambda: notes.exists() and "began" in _notes(tmp_path), "the subflow runs")
        suspend_flow_run(flow_run_id=run_id)

        def find_left() -> FlowRun | None:
            runs = client.read_flow_runs(flow_filter={"name": {"any_": ["lasting"]}})
            return runs[0] if runs[0].state_name == "AwaitingRetry" else None

        left = eventually(find_left, "the subflow is left")
        (tmp_path / "go").touch()
        resume_flow_run(run_id)
        run = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert run.state_name == "Completed", run.state
    assert _notes(tmp_path) == ["doubled 5", "began", "began"]
    names = [state.name for state in client.read_flow_run_states(left.id)]
    assert names == ["Pending", "Running", "AwaitingRetry", "Running", "Completed"]


def test_a_run_that_a_flow_orders_is_its_subflow(
    server: Server, client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    with serving(server, FLOWS, last="doubling/results", RESULTS=str(tmp_path / "results")):
        parameters = {"folder": str(tmp_path)}
        caller = run_deployment("ordering/results", parameters=parameters, poll_interval=0.3)
        again = run_deployment("ordering/results", parameters=parameters, poll_interval=0.3)
    assert (caller.state_name, again.state_name) == ("Completed", "Completed")
    (ordered,) = _subflows(client, caller.id, tmp_path)
    assert (ordered.name, ordered.state_name) == ("ordered", "Completed")
    assert ordered.tags == ["ordered"]
    assert ordered.job_variables == {"cpu": 2}
    # The second time its idempotency key was known.
    assert _notes(tmp_path) == ["doubled 4"]
