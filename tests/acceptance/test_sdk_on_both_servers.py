"""The SDK in real processes, on our server and on an unmodified Prefect 3.9.1.

Only what they know of a held request differs, and the SDK does not ask.
"""

import json
import time
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from flowruns import State, StateType, resume_flow_run
from flowruns.domain.rejections import rejected
from flowruns.exceptions import NotPausedError, ResumeRefused
from flowruns.sdk.calls.client import SyncFlowRunsClient
from flowruns.wire import FlowRunCreate
from tests.acceptance.clients import connect
from tests.acceptance.flow_processes import Start
from tests.acceptance.serving import Server
from tests.acceptance.waiting import eventually
from tests.reviewing import log_in, reject
from tests.servers import ApprovalsServer, PrefectServer

# How late a busy machine may be; far less than the two minutes after which these pauses poll.
BUSY_SECONDS = 60
PASSWORD = "correct horse battery"


def test_a_flow_goes_on_with_the_answer(start: Start, client: SyncFlowRunsClient) -> None:
    flow = start("refund", 7, 3.5)
    run_id = flow.paused()
    resume_flow_run(run_id, {"approve": False, "reason": "late"})
    assert flow.result() == [False, "late"]
    run = client.read_flow_run(run_id)
    assert (run.state_name, run.parameters) == ("Completed", {"order": 7, "amount": 3.5})
    assert [state.name for state in client.read_flow_run_states(run_id)] == [
        *("Pending", "Running", "Paused", "Running", "Completed")
    ]
    logs = client.read_logs(log_filter={"flow_run_id": {"any_": [str(run_id)]}})
    assert {"Refund 3.5 for order 7", "answered: late"} <= {line.message for line in logs}


def read_task_runs(server: Server, run_id: UUID) -> list[dict[str, Any]]:
    criteria = {"task_runs": {"flow_run_id": {"any_": [str(run_id)]}}}
    with connect(server) as api:
        found: list[dict[str, Any]] = api.post("/task_runs/filter", json=criteria).json()
    return found


def task_states(server: Server, run_id: UUID) -> list[str]:
    return sorted(str(run["state_name"]) for run in read_task_runs(server, run_id))


def test_the_server_shows_the_task_runs_of_a_flow(start: Start, server: Server) -> None:
    flow = start("doubling")
    assert flow.result() == [2, 4, 6]

    def find_completed() -> list[dict[str, Any]] | None:
        found = read_task_runs(server, flow.run().id)
        return found if [run["state_name"] for run in found] == ["Completed"] * 3 else None

    shown = eventually(find_completed, "three task runs have completed")
    assert sorted(run["run_count"] for run in shown) == [1, 1, 2]
    assert all(run["name"].startswith("double-") for run in shown)
    assert all(run["start_time"] <= run["end_time"] for run in shown)


def test_nobody_meets_a_pause_without_its_schema(
    start: Start, client: SyncFlowRunsClient, server: Server
) -> None:
    flow = start("refund", 7, 3.5)
    run_id = flow.paused()
    if isinstance(server, PrefectServer):  # since 3.9 it drops what is stored before the pause
        stored = partial(client.filter_flow_run_input, run_id, "paused-1-schema", limit=1)
        eventually(stored, "the schema is stored once more")
    assert json.loads(client.read_flow_run_input(run_id, "paused-1-schema"))["required"]
    description = client.read_flow_run_input(run_id, "paused-1-description")
    assert json.loads(description) == "Refund **3.5 EUR** for order 7?"
    resume_flow_run(run_id, {"approve": True})
    assert flow.result() == [True, ""]


def test_a_refused_answer_leaves_the_run_waiting(start: Start, client: SyncFlowRunsClient) -> None:
    flow = start("refund", 1, 1.0)
    run_id = flow.paused()
    with pytest.raises(ResumeRefused, match="approve"):
        resume_flow_run(run_id, {"approve": "perhaps"})
    resume_flow_run(run_id, {"approve": True})
    with pytest.raises(NotPausedError):
        resume_flow_run(run_id, {"approve": False})
    assert flow.result() == [True, ""]


def test_an_async_flow_pauses_twice(start: Start) -> None:
    flow = start("refund_async", 4)
    resume_flow_run(flow.paused("1"), {"approve": True})
    resume_flow_run(flow.paused("2"), {"value": 9})
    assert flow.result() == [4, True, 9]


@pytest.mark.parametrize("name", ["timing_out", "timing_out_async"])
@pytest.mark.parametrize("seconds", [1, 2.5])
def test_a_pause_times_out_within_a_second(
    name: str, seconds: float, start: Start, client: SyncFlowRunsClient
) -> None:
    flow = start(name, seconds)
    assert seconds <= flow.result() < seconds + BUSY_SECONDS
    assert client.read_flow_run(flow.run().id).state_type == "FAILED"


def test_a_rejection_reaches_the_flow_and_stays(
    start: Start, server: Server, client: SyncFlowRunsClient
) -> None:
    flow = start("ending")
    run_id = flow.paused()
    if isinstance(server, ApprovalsServer):
        server.create_user("bob", password=PASSWORD)
        with log_in(server.url, "bob", PASSWORD) as bob:
            reject(bob, run_id, "Too much")
    else:
        propose_rejection(client, run_id)
    assert flow.result() == ["ApprovalRejected", "bob", "Too much"]
    assert client.read_flow_run(run_id).state_name == "Rejected"


def test_a_forged_rejection_is_the_end_of_a_run_and_nobodys_no(
    start: Start, server: Server, client: SyncFlowRunsClient
) -> None:
    """A Prefect server stores what is sent, so that everybody who has a key may sign there."""
    flow = start("ending")
    run_id = flow.paused()
    propose_rejection(client, run_id)
    forged = ["ApprovalRejected", "bob", "Too much"]
    assert flow.result() == (["PauseCancelled"] if isinstance(server, ApprovalsServer) else forged)


def propose_rejection(client: SyncFlowRunsClient, run_id: UUID) -> None:
    """Write a rejection without a desk, as a connector does on a Prefect server."""
    no = rejected(reviewer="bob", reason="Too much")
    state: State[Any] = State(type=no.type, name=no.name, message=no.message)
    assert client.set_flow_run_state(run_id, state).status == "ACCEPT"


@pytest.mark.parametrize(
    ("kind", "error", "final"),
    [
        (StateType.CANCELLED, "PauseCancelled", "Cancelled"),
        (StateType.CANCELLING, "PauseCancelled", "Cancelled"),
        (StateType.FAILED, "PauseFailed", "Failed"),
    ],
)
def test_another_end_of_the_run_ends_its_pause_and_stays(
    kind: StateType, error: str, final: str, start: Start, client: SyncFlowRunsClient
) -> None:
    flow = start("ending")
    run_id = flow.paused()
    client.set_flow_run_state(run_id, State(type=kind))
    assert flow.result() == [error]
    assert client.read_flow_run(run_id).state_name == final


def test_the_deletion_of_the_run_ends_its_pause(start: Start, client: SyncFlowRunsClient) -> None:
    flow = start("ending")
    client.delete_flow_run(flow.paused())
    assert flow.result() == ["PausedRunDeleted"]


def test_pauses_of_one_run_wait_their_turn(start: Start) -> None:
    flow = start("asking_several")
    for number in (1, 2, 3):
        resume_flow_run(flow.paused(str(number)), {"value": number})
    assert flow.result() == 606


def test_a_retry_asks_again(start: Start, client: SyncFlowRunsClient) -> None:
    flow = start("retried")
    run_id = flow.paused()
    resume_flow_run(run_id, {"value": 1})
    names = ["Pending", "Running", "Paused", "Running", "AwaitingRetry", "Running", "Paused"]

    def asked_again() -> bool:
        return [state.name for state in client.read_flow_run_states(run_id)] == names

    eventually(asked_again, "the second attempt asks")
    resume_flow_run(run_id, {"value": 20})
    assert flow.result() == 21


def test_many_runs_are_waited_for_at_once(
    start: Start, client: SyncFlowRunsClient, server: Server
) -> None:
    ends = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED]
    times = 5 if isinstance(server, PrefectServer) else 25  # each takes Prefect ten times as long
    flow_id = client.create_flow("by hand")
    running: State[Any] = State(type=StateType.RUNNING)
    runs = [client.create_flow_run(FlowRunCreate(flow_id=flow_id)).id for _ in ends * times]
    for run_id in runs:
        client.set_flow_run_state(run_id, running)
    waiting = start("waiting_for", [str(run_id) for run_id in runs])
    eventually(lambda: waiting.run().state_name == "Running", "the waiting flow runs")
    for number, run_id in enumerate(runs):
        client.set_flow_run_state(run_id, State(type=ends[number % 4]))
    assert waiting.result() == ["Completed", "Failed", "Crashed", "Cancelled"] * times


def test_a_killed_server_ends_no_flow(
    start: Start, client: SyncFlowRunsClient, server: Server
) -> None:
    flow = start("refund", 1, 1.0)
    run_id = flow.paused()
    with server.away():
        time.sleep(4)  # in which it asks, and waits between its attempts
        assert flow.process.poll() is None
    resume_flow_run(run_id, {"approve": True, "reason": "back"})
    assert flow.result() == [True, "back"]
    log = client.read_logs(log_filter={"flow_run_id": {"any_": [str(run_id)]}})
    messages = [line.message for line in log]
    assert len([m for m in messages if "Trying again until it answers" in m]) == 1
    assert messages.count("The server answers again.") == 1
    assert "answered: back" in messages


def test_flow_runs_talk_to_each_other(start: Start, client: SyncFlowRunsClient) -> None:
    answering = start("answering")
    run_id = answering.run().id
    asking = start("asking_another", str(run_id))
    assert asking.result() == ["3 heard", "0 heard"]
    assert answering.result() == [3, 0]
    # The first was acknowledged by asking for the second.
    assert len(client.filter_flow_run_input(run_id, "number-auto-", limit=10)) == 1


@pytest.mark.parametrize("seconds", [0, 1.5])
def test_who_hears_nothing_goes_on_in_time(seconds: float, start: Start) -> None:
    assert seconds <= start("hearing_nothing", seconds).result() < seconds + BUSY_SECONDS


def test_queued_tasks_wait_for_the_answer(start: Start, server: Server) -> None:
    flow = start("queueing")
    run_id = flow.paused()
    shown = ["Completed", "Pending", "Pending"]
    eventually(lambda: task_states(server, run_id) == shown, "two are shown as queued")
    time.sleep(1)  # in which the two that are queued would start
    resumed = time.time()
    resume_flow_run(run_id)
    goes_on, first, *queued = flow.result()
    assert first < resumed <= goes_on
    assert min(queued) >= resumed


def test_the_wait_for_a_person_is_no_part_of_a_flows_limit(
    start: Start, client: SyncFlowRunsClient
) -> None:
    flow = start("limited")
    run_id = flow.paused()
    time.sleep(1.2)  # longer than the flow may take
    assert client.read_flow_run(run_id).state_name == "Paused"
    resume_flow_run(run_id)
    assert "FlowRunTimeoutError" in flow.log()
    state = client.read_flow_run(run_id).state
    assert state is not None
    assert (state.name, state.message) == (
        "TimedOut",
        "Flow run exceeded timeout of 1.0 second(s)",
    )


def test_an_answer_satisfies_its_own_step_only(start: Start) -> None:
    flow = start("asking_twice")
    resume_flow_run(flow.paused("amount"), {"value": 7})
    first, second, refusal = flow.result()
    assert (first, second) == (7, 7)
    assert refusal.startswith("The stored answer of pause 'amount' was for intAutomaticRunInput")


def test_a_watcher_logs_each_state_once(start: Start, client: SyncFlowRunsClient) -> None:
    flow = start("ending")
    run_id = flow.paused()
    watching = start("watching", str(run_id))
    watcher_id = watching.run().id
    resume_flow_run(run_id)
    assert watching.result() == "Completed"
    assert states_seen(client, watcher_id) == [
        *("Pending", "Running", "Paused", "Running", "Completed")
    ]


def states_seen(client: SyncFlowRunsClient, watcher_id: UUID) -> list[str]:
    """Return the states that a run has logged of the one that it waits for."""
    logs = client.read_logs(log_filter={"flow_run_id": {"any_": [str(watcher_id)]}})
    states = [line.message for line in logs if line.message.startswith("Flow run is in state")]
    return [text.split("'")[1] for text in states]


def test_a_watcher_outlives_a_killed_server_and_logs_no_state_twice(
    start: Start, client: SyncFlowRunsClient, server: Server
) -> None:
    flow = start("ending")
    run_id = flow.paused()
    watching = start("watching", str(run_id))
    watcher_id = watching.run().id
    before = ["Pending", "Running", "Paused"]
    eventually(lambda: states_seen(client, watcher_id) == before, "it has logged the pause")
    with server.away():
        time.sleep(1)
    resume_flow_run(run_id)
    assert watching.result() == "Completed"
    assert states_seen(client, watcher_id) == [*before, "Running", "Completed"]
