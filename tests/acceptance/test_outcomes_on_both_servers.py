"""What a person's answer led to is not lost by what comes after it, on both servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from flowruns import State, StateType, resume_flow_run, run_deployment
from flowruns.sdk.calls.asking import ask
from flowruns.sdk.calls.client import SyncFlowRunsClient
from flowruns.sdk.steps.steps import Send
from tests.acceptance.answering import subflows_of, wait_for_end, wait_for_pause
from tests.acceptance.serving import Server, client_of, serving
from tests.acceptance.waiting import eventually
from tests.answered_flows import KINDS

FLOWS = Path(__file__).with_name("flows_that_are_kept.py")
LAST = "leaving/kept"


@pytest.fixture(scope="module")
def home(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The flows are served, and their results are below it."""
    folder = tmp_path_factory.mktemp("home")
    with client_of(server), serving(server, FLOWS, last=LAST, HOME=str(folder)):
        yield folder


@pytest.fixture(autouse=True)
def same_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))


def _begin(flow: str, **parameters: Any) -> UUID:
    run_id: UUID = run_deployment(f"{flow}/kept", parameters=parameters, timeout=0).id
    return run_id


def _subflow(client: SyncFlowRunsClient, run_id: UUID, number: int) -> UUID:
    """Wait until the run has that many subflows, and return the last one."""

    def find_last() -> UUID | None:
        found = subflows_of(client, run_id)
        return found[-1].id if len(found) == number else None

    return eventually(find_last, f"it has {number} subflows")


def test_answers_of_all_kinds_are_kept_for_other_processes(client: SyncFlowRunsClient) -> None:
    run_id = _begin("keeping")
    for number, (_, given, _) in enumerate(KINDS.values(), 1):
        wait_for_pause(client, run_id, str(number))
        resume_flow_run(run_id, given)
        child_id = _subflow(client, run_id, number)
        wait_for_pause(client, child_id, "1")
        resume_flow_run(child_id, given)
    wait_for_pause(client, run_id, "half")
    resume_flow_run(run_id)
    for number, (_, given, _) in enumerate(KINDS.values(), len(KINDS) + 1):
        wait_for_pause(client, run_id, str(number))
        resume_flow_run(run_id, given)
    end = wait_for_end(run_id)
    assert end.name == "Completed", end
    assert end.result() == {kind: [value] * 3 for kind, (_, _, value) in KINDS.items()}


def test_what_cannot_be_stored_runs_and_says_so_once(client: SyncFlowRunsClient) -> None:
    run_id = _begin("odd")
    end = wait_for_end(run_id)
    assert end.name == "Completed", end
    *held, refusal = end.result()
    assert held == ["lock", "function", "generator"]
    assert refusal.startswith("Flow run cannot be suspended: the results of hold, make_lock")

    def find_warnings() -> list[str] | None:
        logs = client.read_logs(log_filter={"flow_run_id": {"any_": [str(run_id)]}})
        found = [line.message for line in logs if line.message.endswith("and is not stored.")]
        return sorted(found) if len(found) > 1 else None

    warnings = eventually(find_warnings, "what is not stored is in the log")
    assert [("'hold'" in each, "'make_lock'" in each) for each in warnings] == [
        (True, False),
        (False, True),
    ]


def test_functions_that_yield_run_within_their_runs(
    client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    run_id = _begin("yielding", folder=str(tmp_path))
    asking_id = _subflow(client, run_id, 1)
    wait_for_pause(client, asking_id, "1")
    resume_flow_run(asking_id, {"value": 7})
    trying_id = _subflow(client, run_id, 4)
    wait_for_pause(client, trying_id, "1")
    resume_flow_run(trying_id, {"value": 8})
    end = wait_for_end(run_id)
    assert end.name == "Completed", end
    again, asked, failed, timed_out, taken, whole = end.result()
    assert (again, asked, taken, whole) == ([1, 2, 8], ["asked", 7], [0, 1], [0, 1, 2])
    assert failed == [1, "after one"]
    assert timed_out == [1, "Scope timed out after 0.2 second(s)."]
    begun = ["Pending", "Running"]
    answered = ["Paused", "Running", "Completed"]
    children = [each.id for each in subflows_of(client, run_id)]
    assert [[state.name for state in client.read_flow_run_states(each)] for each in children] == [
        [*begun, *answered],
        [*begun, "Failed"],
        [*begun, "TimedOut"],
        [*begun, "AwaitingRetry", "Running", *answered],
    ]
    hooked = (tmp_path / "notes").read_text()
    assert hooked.startswith("Failed: Flow run encountered an exception: ValueError: after one")

    def are_logged() -> bool:
        logs = client.read_logs(log_filter={"flow_run_id": {"any_": [str(trying_id)]}})
        return {"try 1", "try 2"} <= {line.message for line in logs}

    eventually(are_logged, "what the body printed is in the log of its run")


def test_lists_of_states_and_first_failures_are_kept(client: SyncFlowRunsClient) -> None:
    end = wait_for_end(_begin("mapping"))
    assert end.name == "Completed", end
    assert end.result() == [
        *("1/3 states failed.", ["Completed", "Failed", "Completed"], "the second")
    ]


def test_nobody_calls_the_hooks_of_a_suspended_run_that_is_cancelled(
    client: SyncFlowRunsClient, tmp_path: Path
) -> None:
    run_id = _begin("leaving", folder=str(tmp_path))
    wait_for_pause(client, run_id, "1")
    client.set_flow_run_state(run_id, State(type=StateType.CANCELLING))
    end = wait_for_end(run_id)
    assert end.name == "Cancelled", end
    # The serving process has had its turn.
    assert wait_for_end(_begin("mapping")).name == "Completed"
    assert not (tmp_path / "notes").exists()


def test_a_schedule_goes_on_again_where_its_author_says_it_or_changes_it(
    server: Server, client: SyncFlowRunsClient, home: Path
) -> None:
    shown: list[bool | None] = []
    for schedule in ("daily", "daily", "switched on", "weekly"):
        with serving(server, FLOWS, last=LAST, SCHEDULE=schedule, HOME=str(home)):
            deployment = client.read_deployment_by_name(LAST)
        (known,) = deployment.schedules
        shown.append(known.active)
        path = f"/deployments/{deployment.id}/schedules/{known.id}"
        client.play(ask(Send(method="PATCH", path=path, body={"active": False})))
    assert shown == [True, False, True, True]
