"""Runs that wait on an unmodified Prefect server, read and answered from a desk elsewhere."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from flowruns import wire
from flowruns.connectors.prefect.client import close_clients
from flowruns.connectors.prefect.connector import PrefectConnector
from flowruns.connectors.prefect.errors import RemoteTrouble
from flowruns.connectors.prefect.outcomes import (
    Claimed,
    Continued,
    Ended,
    Expired,
    Moved,
    MovedOn,
    TakenBy,
)
from flowruns.domain.errors import FlowRunNotFound
from flowruns.domain.states import StateType
from flowruns.models import RemoteServer
from tests.acceptance.clients import connect
from tests.acceptance.waiting import eventually
from tests.environments import PREFECT_PYTHON
from tests.forking import ForkedProcess, fork_python
from tests.logs import show_log
from tests.servers import ROOT, PrefectServer, prefect_environment

OURS = "approvals:desk:1:alice"
YES = '{"approve": true, "reason": "{{ not a template }}"}'
SCHEMA = {"type": "object", "properties": {"approve": {"type": "boolean"}}}
ROUNDS = 10
FLOWS = ROOT / "tests" / "acceptance" / "flows_prefect_pauses.py"

# Their processes take longest; the calls are the same.
newest_alone = pytest.mark.parametrize("theirs", ["prefects_server"], ids=["3.9"], indirect=True)


@pytest.fixture
def desk(theirs: PrefectServer) -> Iterator[PrefectConnector]:
    connector = PrefectConnector(RemoteServer(name="theirs", url=theirs.api_url))
    connector.server.version = connector.probe().version
    yield connector
    close_clients()


@pytest.fixture
def api(theirs: PrefectServer) -> Iterator[httpx.Client]:
    with connect(theirs) as client:
        yield client


class Elsewhere:
    """Makes runs that wait as Prefect's SDK would, in a few calls."""

    def __init__(self, api: httpx.Client) -> None:
        self.api = api

    def post(self, path: str, body: Any) -> Any:
        return self.api.post(path, json=body).raise_for_status().json()

    def pause(self, *, timeout: float = 300) -> tuple[UUID, UUID]:
        flow = self.post("/flows/", {"name": "refund"})
        running = {"type": "RUNNING"}
        run = self.post("/flow_runs/", {"flow_id": flow["id"], "state": running})
        keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
        until = datetime.now(UTC) + timedelta(seconds=timeout)
        details: Any = {"pause_timeout": until.isoformat(), "pause_key": "1"}
        details |= {"run_input_keyset": keyset}
        paused: Any = {"type": "PAUSED", "name": "Paused", "state_details": details}
        state = self.post(f"/flow_runs/{run['id']}/set_state", {"state": paused})["state"]
        schema = {"key": keyset["schema"], "value": json.dumps(SCHEMA)}
        self.post(f"/flow_runs/{run['id']}/input", schema)
        return UUID(run["id"]), UUID(state["id"])

    def resume(self, run_id: UUID, answer: Any) -> httpx.Response:
        """Answer as Prefect's own page does."""
        return self.api.post(f"/flow_runs/{run_id}/resume", json={"run_input": answer})


@pytest.fixture
def elsewhere(api: httpx.Client) -> Elsewhere:
    return Elsewhere(api)


@pytest.fixture
def start(theirs: PrefectServer, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Start a process of Prefect's own SDK."""
    processes: list[ForkedProcess] = []
    environment = prefect_environment(tmp_path / "home")

    def start(*arguments: str) -> None:
        processes.append(
            fork_python(
                [PREFECT_PYTHON, FLOWS, *arguments],
                environment | {"PREFECT_API_URL": theirs.api_url},
            )
        )

    yield start
    for process in processes:
        process.kill()
        show_log("a flow of Prefect's", process.read_output())


def find_waiting(desk: PrefectConnector, flow: str, count: int) -> list[wire.FlowRun]:
    def waiting() -> list[wire.FlowRun]:
        runs = [run for page in desk.walk() for run in page]
        found = [run for run in runs if desk.read_flow_name(run.flow_id) == flow]
        return found if len(found) == count else []

    return eventually(waiting, f"{count} runs of {flow} wait")


def pause_of(run: wire.FlowRun) -> UUID:
    assert run.state is not None
    return run.state.id


@newest_alone
def test_flows_of_prefects_sdk_get_answers_literally_and_end_when_rejected(
    desk: PrefectConnector, start: Callable[..., None], tmp_path: Path
) -> None:
    start("block", str(tmp_path), "2")
    answered, rejected = find_waiting(desk, "blocking", 2)
    # Prefect's flows store it after the pause, and after the schema
    described = eventually(lambda: desk.read_pause(answered).description, "it is described")
    assert described == "**Refund?**"
    wrong = {"approve": "perhaps"}
    checked = desk.check_answer(answered.id, run_input=wrong, pause_state_id=pause_of(answered))
    assert [path for path, _ in checked.reply.problems] == [("approve",)]
    claimed = desk.claim(answered.id, pause_state_id=pause_of(answered), value=YES, sender=OURS)
    assert claimed == Claimed()
    assert isinstance(desk.move(answered.id, pause_state_id=pause_of(answered)), Continued)
    note = tmp_path / str(answered.parameters["name"])
    eventually(note.exists, "the flow got its answer")
    assert json.loads(note.read_text()) == json.loads(YES)

    pause_id = pause_of(rejected)
    desk.claim(rejected.id, pause_state_id=pause_id, value='"rejected by bob"', sender=OURS)
    ended = desk.end(rejected.id, pause_state_id=pause_id, reviewer="bob", reason="too much")
    assert isinstance(ended, Ended)
    ending = desk.find_ending(rejected.id, pause_id).state
    assert ending is not None
    assert (ending.name, ending.message) == ("Rejected", "Rejected by bob: too much")
    assert not (tmp_path / str(rejected.parameters["name"])).exists()


@newest_alone
def test_a_suspended_flow_comes_back_with_the_answer(
    desk: PrefectConnector, elsewhere: Elsewhere, start: Callable[..., None], tmp_path: Path
) -> None:
    start("serve")
    name = "/deployments/name/suspending/desk"
    eventually(lambda: elsewhere.api.get(name).is_success, "the flow is served")
    deployment = elsewhere.api.get(name).json()
    elsewhere.post(
        f"/deployments/{deployment['id']}/create_flow_run",
        {"parameters": {"folder": str(tmp_path)}},
    )
    [run] = find_waiting(desk, "suspending", 1)
    assert desk.is_served(run)
    assert desk.read_deployment_name(deployment["id"]) == "desk"
    eventually(lambda: desk.read_pause(run).schema, "its schema is stored")
    desk.claim(run.id, pause_state_id=pause_of(run), value=YES, sender=OURS)
    moved = desk.move(run.id, pause_state_id=pause_of(run))
    assert isinstance(moved, Continued)
    note = tmp_path / "suspended"
    eventually(note.exists, "the flow got its answer")
    assert json.loads(note.read_text()) == json.loads(YES)


def test_prefects_page_cannot_answer_what_is_claimed(
    desk: PrefectConnector, elsewhere: Elsewhere
) -> None:
    run_id, pause_id = elsewhere.pause()
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert elsewhere.resume(run_id, {"approve": False}).status_code == 409
    assert desk.read_flow_run(run_id).state_type is StateType.PAUSED
    desk.release(run_id, pause_state_id=pause_id, sender=OURS)
    assert elsewhere.resume(run_id, {"approve": False}).status_code == 201
    late = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert isinstance(late, MovedOn)
    assert late.response is not None
    assert (json.loads(late.response.value), late.response.sender) == ({"approve": False}, None)


def test_a_suspended_run_without_a_deployment_ends_all_the_same(
    desk: PrefectConnector, elsewhere: Elsewhere
) -> None:
    run_id, _ = elsewhere.pause()
    details = {"pause_reschedule": True, "pause_key": "2"}
    suspended = {"type": "PAUSED", "name": "Suspended", "state_details": details}
    forced = {"state": suspended, "force": True}
    state = elsewhere.post(f"/flow_runs/{run_id}/set_state", forced)["state"]
    ended = desk.end(run_id, pause_state_id=UUID(state["id"]), reviewer="bob", reason="no")
    assert isinstance(ended, Ended)
    assert desk.read_flow_run(run_id).state_type is StateType.CANCELLED


def test_of_two_who_answer_at_once_one_wins_and_the_flow_gets_that_answer(
    desk: PrefectConnector, elsewhere: Elsewhere
) -> None:
    for _ in range(ROUNDS):
        run_id, pause_id = elsewhere.pause()
        barrier = threading.Barrier(2)
        theirs: list[httpx.Response] = []

        def answer_there(
            run_id: UUID = run_id, barrier: Any = barrier, replies: Any = theirs
        ) -> None:
            barrier.wait()
            replies.append(elsewhere.resume(run_id, {"approve": False}))

        other = threading.Thread(target=answer_there)
        other.start()
        barrier.wait()
        won = claim_and_move(desk, run_id, pause_id)
        other.join()
        accepted = theirs[0].status_code == 201 and theirs[0].json()["status"] == "ACCEPT"
        row = desk.read_response(run_id, pause_id)
        if won:
            assert not accepted
            assert row is not None
            assert row.sender == OURS
        elif accepted:
            assert row is not None
            assert row.sender is None
        else:  # busy: nobody won, and the run still waits
            assert desk.read_flow_run(run_id).state_type is StateType.PAUSED


def claim_and_move(desk: PrefectConnector, run_id: UUID, pause_id: UUID) -> bool:
    """Answer in both steps, again while the server is busy; return whether it was ours."""
    for _ in range(20):
        try:
            claimed = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
            if isinstance(claimed, MovedOn):
                return claimed.response is not None and claimed.response.sender == OURS
            if isinstance(claimed, TakenBy):
                return False
            if isinstance(desk.move(run_id, pause_state_id=pause_id), Continued):
                return True
        except RemoteTrouble:
            continue
    return False


def test_a_deadline_that_is_over_is_told(desk: PrefectConnector, elsewhere: Elsewhere) -> None:
    run_id, pause_id = elsewhere.pause(timeout=-1)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    moved = desk.move(run_id, pause_state_id=pause_id)
    assert isinstance(moved, Expired | MovedOn)  # the server's own loop may have been faster
    assert moved.state is not None
    assert moved.state.type is StateType.FAILED


def test_the_stream_and_the_lists_tell_what_changes(
    desk: PrefectConnector, elsewhere: Elsewhere, api: httpx.Client
) -> None:
    kept, _ = elsewhere.pause()
    deleted, deleted_pause = elsewhere.pause()
    events = desk.watch(since=datetime.now(UTC), stopped=lambda: False)
    assert next(events) is None
    run_id, pause_id = elsewhere.pause()
    moves: list[Moved] = []
    while not any(move.state_id == pause_id for move in moves):
        moves += [move for move in [next(events)] if move]
    assert {move.state_type for move in moves if move.flow_run_id == run_id} >= {"PAUSED"}
    events.close()  # type: ignore[attr-defined]  # a generator
    api.delete(f"/flow_runs/{deleted}").raise_for_status()
    elsewhere.resume(kept, {"approve": True})
    changes = desk.find_changes([kept, deleted])
    assert run_id in {run.id for run in changes.new}
    assert ([run.id for run in changes.ended], changes.gone) == ([kept], [deleted])
    with pytest.raises(FlowRunNotFound):
        desk.claim(deleted, pause_state_id=deleted_pause, value=YES, sender=OURS)


def test_a_run_is_read_with_what_surrounds_it(desk: PrefectConnector, elsewhere: Elsewhere) -> None:
    run_id, pause_id = elsewhere.pause()
    line = {"name": "flow", "level": 20, "message": "Refund of 5", "flow_run_id": str(run_id)}
    line |= {"timestamp": datetime.now(UTC).isoformat()}
    elsewhere.post("/logs/", [line])
    report = {"key": "report", "type": "markdown", "data": "# Refund", "flow_run_id": str(run_id)}
    elsewhere.post("/artifacts/", report)
    assert [state.state.type for state in desk.read_flow_run_states(run_id)] == [
        StateType.RUNNING,
        StateType.PAUSED,
    ]
    assert desk.read_timeline(run_id, before=None, limit=1)[0].id == pause_id
    lines, count = desk.read_logs(run_id, limit=10, text="refund")
    assert ([line.message for line in lines], count) == (["Refund of 5"], 1)
    [head] = desk.list_artifacts(run_id, limit=10)
    assert desk.read_artifact(head.id).data == "# Refund"
