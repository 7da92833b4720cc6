"""What Prefect's documents show, with other imports, on our server and on an unmodified Prefect."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flowruns import FlowRun, resume_flow_run, run_deployment, send_input, wait_for_flow_run
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.serving import Server, serving
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.forking import ForkedProcess, fork_python
from tests.logs import show_log

FLOWS = Path(__file__).with_name("documented_flows.py")


@pytest.fixture(scope="module")
def served(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = str(tmp_path_factory.mktemp("home"))
    with serving(server, FLOWS, "serve", last="quick/words", HOME=home):
        yield


type Start = Callable[..., ForkedProcess]


@pytest.fixture
def start(server: Server) -> Iterator[Start]:
    """Start a flow or a function of the file as a script."""
    started: list[ForkedProcess] = []

    def start_script(*command: str, typed: str = "") -> ForkedProcess:
        script = fork_python(
            [sys.executable, FLOWS, *command], server.flow_environment, typed=typed
        )
        started.append(script)
        return script

    yield start_script
    for script in started:
        script.kill()
        show_log("a script", script.read_output())


def _end(script: ForkedProcess) -> str:
    out, err = script.communicate(timeout=PATIENCE_SECONDS)
    assert script.returncode == 0, err
    return out


def _run_of(client: SyncFlowRunsClient, flow: str) -> FlowRun | None:
    flow_filter = {"name": {"any_": [flow.replace("_", "-")]}}
    runs = client.read_flow_runs(flow_filter=flow_filter, sort="START_TIME_DESC")
    return runs[0] if runs else None


def _paused(client: SyncFlowRunsClient, flow: str, key: str = "1") -> UUID:
    """Wait until the flow is in its pause `key`, and return the id of its run."""

    def is_paused() -> UUID | None:
        run = _run_of(client, flow)
        details = run.state.state_details if run and run.state and run.state.is_paused() else None
        return run.id if run and details and details.pause_key == key else None

    return eventually(is_paused, f"{flow} is in pause {key}")


def _log(client: SyncFlowRunsClient, run_id: UUID, last: str) -> list[str]:
    """Return the log of a run once it has the line `last`."""
    wanted = {"flow_run_id": {"any_": [str(run_id)]}}

    def read() -> list[str] | None:
        lines = [line.message for line in client.read_logs(log_filter=wanted)]
        return lines if last in lines else None

    return eventually(read, f"the log has {last!r}")


@pytest.mark.parametrize(
    ("flow", "answer", "line"),
    [
        ("ask_for_a_text", {"value": "Oslo"}, "Off to Oslo"),
        ("ask_for_a_model", {"name": "Ada", "bags": 2}, "Ada has 2 bags"),
        ("ask_for_a_run_input", {"row": 7}, "Seat 7A"),
        ("ask_with_initial_data", {}, "Kept the proposed row"),
        ("tell_a_joke", None, "Somebody had to approve."),
        ("pause_after_success", None, "Counted; now waiting"),
    ],
)
def test_a_flow_pauses_and_goes_on_with_the_answer(
    flow: str, answer: Any, line: str, start: Start, client: SyncFlowRunsClient
) -> None:
    script = start(flow)
    run_id = _paused(client, flow)
    resume_flow_run(run_id, answer)
    _end(script)
    assert client.read_flow_run(run_id).state_name == "Completed"
    assert _log(client, run_id, last=line)


def test_an_answer_that_the_model_refuses_is_asked_for_again(
    start: Start, client: SyncFlowRunsClient
) -> None:
    script = start("ask_until_it_is_right")
    run_id = _paused(client, "ask_until_it_is_right")
    resume_flow_run(run_id, {"course": "fish", "drink": "milk"})
    assert _paused(client, "ask_until_it_is_right", "2") == run_id
    resume_flow_run(run_id, {"course": "fish", "drink": "water"})
    _end(script)
    log = _log(client, run_id, last="Served: fish, water")
    assert any("There is no milk with fish." in line for line in log)


@pytest.mark.usefixtures("served")
def test_a_suspended_flow_goes_on_with_its_stored_results(client: SyncFlowRunsClient) -> None:
    run_id = run_deployment("suspend-between-tasks/words", timeout=0).id
    assert _paused(client, "suspend-between-tasks") == run_id
    resume_flow_run(run_id)
    run = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert run.state_name == "Completed", run.state
    assert _log(client, run_id, last="Sum 126")


@pytest.mark.usefixtures("served")
def test_two_flows_talk_until_one_says_goodbye(start: Start, client: SyncFlowRunsClient) -> None:
    out = _end(start("tourist", typed="bread\n\nmilk\nq\n"))
    assert out.replace("Which word? ", "").split() == ["BREAD", "MILK", "Bye"]
    translating = _run_of(client, "translator")
    assert translating is not None
    assert translating.parent_task_run_id is None
    ended = wait_for_flow_run(translating.id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert ended.state_name == "Completed"
    assert _log(client, translating.id, last="Done")


@pytest.mark.usefixtures("served")
def test_a_flow_that_suspends_when_nobody_speaks_hears_each_message_once(
    client: SyncFlowRunsClient,
) -> None:
    run_id = run_deployment("listen-then-suspend/words", timeout=0).id
    send_input(1, flow_run_id=run_id)
    assert _paused(client, "listen-then-suspend") == run_id
    send_input(2, flow_run_id=run_id)
    resume_flow_run(run_id)
    run = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert run.state_name == "Completed", run.state
    log = _log(client, run_id, last="Resumed, having heard 2")
    assert [line.split()[1] for line in log if line.startswith("Heard")] == ["1", "2"]


def test_flows_send_each_other_inputs_of_a_class(start: Start, client: SyncFlowRunsClient) -> None:
    converter = start("converter")
    running = eventually(lambda: _run_of(client, "converter"), "it runs")
    _end(start("measurer", str(running.id)))
    _end(converter)
    measuring = _run_of(client, "measurer")
    assert measuring is not None
    assert _log(client, measuring.id, last="300 cm")


def test_a_flow_keeps_what_it_has_heard_in_a_block(
    start: Start, client: SyncFlowRunsClient
) -> None:
    parrot = start("parrot")
    running = eventually(lambda: _run_of(client, "parrot"), "it runs")
    _end(start("speaker", str(running.id)))
    _end(parrot)
    assert _log(client, running.id, last="Heard 2")


@pytest.mark.usefixtures("served")
def test_a_script_waits_for_one_run_and_for_many(start: Start, client: SyncFlowRunsClient) -> None:
    deployment_id = str(client.read_deployment_by_name("quick/words").id)
    assert _end(start("wait_for_one", deployment_id)).strip() == "Completed()"
    printed = _end(start("wait_for_many", deployment_id, "10"))
    state = "Completed(message=None, type=COMPLETED, result=None)"
    assert printed.strip() == f"[{', '.join([state] * 10)}]"
