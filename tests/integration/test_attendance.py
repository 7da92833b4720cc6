"""Processes that are there, that fall silent, and that come back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from flowruns.domain.actors import api_key
from flowruns.domain.states import State, StateType
from flowruns.models import FlowRun, FlowRunState, Listener
from flowruns.services.runs.states import replace_state, set_flow_run_state
from flowruns.services.upkeep import heartbeat
from flowruns.services.upkeep.heartbeat import (
    ABANDONED_AFTER,
    end_abandoned_runs,
    is_lost,
    note_heartbeat,
    note_heartbeats,
)
from tests.integration.conftest import Api, Make, Run

NOW = timedelta(0)
LONG = ABANDONED_AFTER + timedelta(seconds=5)
HERE = {"Prefer": "wait=1, attend"}


@pytest.fixture(autouse=True)
def listener(db: None) -> Listener:
    """A web process that has been there for an hour."""
    now = datetime.now(UTC)
    return Listener.objects.create(since=now - timedelta(hours=1), seen=now)


def fall_silent(run: Run, *, ago: timedelta = LONG) -> None:
    """Let the process of `run` have been heard of last, and its state be as old, so long ago."""
    then = datetime.now(UTC) - ago
    FlowRun.objects.filter(pk=run.uuid).update(attended_at=then, state_timestamp=then)


def propose(run: Run, kind: str, **state: Any) -> dict[str, Any]:
    """Propose a state as the process that runs the run."""
    body = {"state": {"type": kind, **state}}
    path = f"/flow_runs/{run.id}/set_state"
    answer: dict[str, Any] = json.loads(run.api.request("POST", path, body, HERE).content)
    return answer


def names(run: Run) -> list[str]:
    return [state["name"] for state in run.states()]


def test_a_run_whose_process_falls_silent_has_crashed(run: Run) -> None:
    propose(run, "RUNNING")
    assert end_abandoned_runs() == 0
    fall_silent(run)
    assert end_abandoned_runs() == 1
    state = run.read()["state"]
    assert state["type"] == "CRASHED"
    assert state["message"] == ("The process of the flow run has not been heard of for 40 seconds.")
    assert str(FlowRunState.objects.latest("timestamp").actor) == "server:attendance"
    assert end_abandoned_runs() == 0


def test_one_that_was_being_cancelled_is_cancelled_then(run: Run) -> None:
    propose(run, "RUNNING")
    run.propose("CANCELLING")
    fall_silent(run)
    assert end_abandoned_runs() == 1
    assert run.read()["state_type"] == "CANCELLED"


def test_a_script_that_died_before_it_began_has_crashed(make_run: Make) -> None:
    run = make_run(state="PENDING")
    fall_silent(run)
    assert end_abandoned_runs() == 1


@pytest.mark.parametrize(("headers", "ended"), [(HERE, 1), ({}, 0)], ids=["said", "unsaid"])
def test_who_makes_a_run_says_that_it_will_run_it(
    headers: dict[str, str], ended: int, api: Api
) -> None:
    flow = json.loads(api.post("/flows/", {"name": "killed"}).content)
    made = api.request("POST", "/flow_runs/", {"flow_id": flow["id"]}, headers)
    found = FlowRun.objects.filter(pk=json.loads(made.content)["id"])
    assert (found.get().attended_at is not None) == bool(ended)
    then = datetime.now(UTC) - LONG
    found.update(state_timestamp=then)
    found.exclude(attended_at=None).update(attended_at=then)
    assert end_abandoned_runs() == ended
    assert found.get().state_type == ("CRASHED" if ended else "PENDING")


def test_a_run_that_its_own_process_would_have_tried_again_has_crashed(make_run: Make) -> None:
    run = make_run(empirical_policy={"retries": 1, "retry_delay": 600})
    propose(run, "FAILED")
    assert run.read()["state_name"] == "AwaitingRetry"
    fall_silent(run)
    assert end_abandoned_runs() == 1


def test_a_question_stays_when_its_process_falls_silent(run: Run) -> None:
    run.pause_for_input()
    fall_silent(run)
    assert end_abandoned_runs() == 0
    assert is_lost(run.uuid)


def test_an_answer_that_nobody_comes_for_ends_the_run_only_after_a_while(run: Run) -> None:
    run.pause_for_input()
    fall_silent(run)
    run.resume({"approve": True})
    assert end_abandoned_runs() == 0, "the process has as long to come back, from the answer on"
    fall_silent(run)
    assert end_abandoned_runs() == 1
    assert run.read_input("paused-1-response").status_code == 200


@pytest.mark.parametrize("kind", ["COMPLETED", "PAUSED", "SCHEDULED"])
def test_a_run_that_needs_no_process_is_nobodys_to_attend(kind: str, make_run: Make) -> None:
    run = make_run(deployed=True)
    propose(run, "RUNNING")
    assert FlowRun.objects.get().attended_at is not None
    propose(run, kind, state_details={"pause_reschedule": True} if kind == "PAUSED" else {})
    assert FlowRun.objects.get().attended_at is None
    assert not is_lost(run.uuid)


def test_nothing_is_presumed_of_clients_that_never_say_they_are_there(run: Run) -> None:
    FlowRun.objects.update(state_timestamp=datetime.now(UTC) - timedelta(days=1))
    assert end_abandoned_runs() == 0


@pytest.mark.parametrize(
    ("since", "seen"), [(timedelta(seconds=20), NOW), (timedelta(hours=1), timedelta(minutes=1))]
)
def test_nothing_is_presumed_while_nobody_could_have_been_told(
    run: Run, since: timedelta, seen: timedelta
) -> None:
    now = datetime.now(UTC)
    Listener.objects.update(since=now - since, seen=now - seen)
    fall_silent(run)
    assert end_abandoned_runs() == 0


@pytest.mark.parametrize("how", ["asks", "proposes"])
def test_a_process_that_comes_back_takes_its_run_up_again(how: str, run: Run) -> None:
    propose(run, "RUNNING")
    run.pause_for_input()
    run.resume({"approve": True})
    before = run.read()
    fall_silent(run)
    end_abandoned_runs()
    if how == "asks":
        answer = run.api.request("GET", f"/flow_runs/{run.id}", headers=HERE)
        assert json.loads(answer.content)["state_type"] == "RUNNING"
    assert propose(run, "COMPLETED")["status"] == "ACCEPT"
    assert names(run)[-3:] == ["Crashed", "Running", "Completed"]
    after = run.read()
    assert after["run_count"] == before["run_count"]
    assert after["empirical_policy"]["pause_keys"] == ["1"]
    assert run.read_input("paused-1-response").status_code == 200


def test_nobody_else_revives_a_run(run: Run) -> None:
    fall_silent(run)
    end_abandoned_runs()
    run.read()
    assert run.read()["state_type"] == "CRASHED"
    note_heartbeat(uuid4())


@pytest.mark.parametrize("kind", ["CRASHED", "COMPLETED"])
def test_an_end_that_was_reported_stays(kind: str, run: Run) -> None:
    run.propose(kind)
    note_heartbeat(run.uuid)
    assert names(run)[-1] == kind.capitalize()


def test_a_change_that_came_first_stands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fall_silent(run)
    _before_the_write(monkeypatch, lambda: run.propose("COMPLETED"))
    assert end_abandoned_runs() == 0
    assert run.read()["state_type"] == "COMPLETED"


def test_a_run_that_was_deleted_meanwhile_is_nothing_to_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fall_silent(run)
    _before_the_write(monkeypatch, lambda: run.api.request("DELETE", f"/flow_runs/{run.id}"))
    assert end_abandoned_runs() == 0


def test_two_copies_end_a_run_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fall_silent(run)
    ended: list[int] = []
    _before_the_write(monkeypatch, lambda: ended.append(end_abandoned_runs()))
    assert end_abandoned_runs() + ended[0] == 1
    assert names(run).count("Crashed") == 1


def _before_the_write(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let `act` come between finding a run and ending it."""

    def act_first(flow_run_id: UUID, **kwargs: Any) -> Any:
        monkeypatch.setattr(heartbeat, "replace_state", replace_state)
        act()
        return replace_state(flow_run_id, **kwargs)

    monkeypatch.setattr(heartbeat, "replace_state", act_first)


def test_who_holds_a_request_is_written_down(make_run: Make, listener: Listener) -> None:
    run, ended = make_run(), make_run()
    ended.propose("COMPLETED")
    fall_silent(run)
    note_heartbeats(listener.pk, {run.uuid, ended.uuid, uuid4()})
    assert not is_lost(run.uuid)
    assert FlowRun.objects.get(pk=ended.uuid).attended_at is None
    assert end_abandoned_runs() == 0


def test_a_web_process_is_remembered_since_it_began_and_forgotten_after_it_ended(
    listener: Listener,
) -> None:
    Listener.objects.update(seen=datetime.now(UTC) - timedelta(hours=2))
    new = uuid4()
    note_heartbeats(new, ())
    [known] = Listener.objects.all()
    assert known.pk == new
    Listener.objects.update(seen=known.seen - timedelta(seconds=16))
    note_heartbeats(new, ())
    [again] = Listener.objects.all()
    assert (again.since, again.seen > known.seen) == (known.since, True)


def test_a_crash_that_a_client_reports_cannot_pass_for_a_presumption(api: Api, run: Run) -> None:
    run.propose("CRASHED", state_details={"presumed": True})
    note_heartbeat(run.uuid)
    assert run.read()["state_type"] == "CRASHED"


def test_a_proposal_of_its_process_meets_a_crash_that_was_presumed_meanwhile(run: Run) -> None:
    """The proposal takes the run up again, and is judged as if nothing had happened."""
    propose(run, "RUNNING")
    fall_silent(run)
    end_abandoned_runs()
    outcome = set_flow_run_state(
        run.uuid, proposed=State(type=StateType.PAUSED), actor=api_key("tests"), is_heartbeat=True
    )
    assert outcome.is_new
    assert names(run)[-3:] == ["Crashed", "Running", "Paused"]
