"""The steps of an answer on a Prefect server that misbehaves, and what became of it."""

from uuid import UUID, uuid4

import pytest

from flowruns.connectors.prefect.connector import PrefectConnector
from flowruns.connectors.prefect.errors import (
    Busy,
    RemoteFault,
    RemoteTrouble,
    Unauthorized,
    Unconfirmed,
)
from flowruns.connectors.prefect.outcomes import Claimed, Continued, Ended, MovedOn, TakenBy
from flowruns.domain.errors import FlowRunNotFound
from flowruns.domain.states import StateType
from tests.fake_prefect import FakePrefect, Fault
from tests.integration.connecting import OURS, THEIRS, YES, connect_to, pause


@pytest.mark.parametrize("suspended", [False, True], ids=["paused", "suspended"])
def test_claim_and_move_give_the_flow_the_answer(
    theirs: FakePrefect, desk: PrefectConnector, suspended: bool
) -> None:
    run_id, pause_id = pause(theirs, suspended=suspended)
    claim = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert claim == Claimed()
    assert isinstance(desk.move(run_id, pause_state_id=pause_id), Continued)
    key = "suspended-1-response" if suspended else "paused-1-response"
    assert theirs.answer_of(str(run_id), key) == YES
    state = theirs.runs[str(run_id)]["state"]
    expected = ("SCHEDULED", "Resuming") if suspended else ("RUNNING", "Running")
    assert (state["type"], state["name"]) == expected


def test_a_second_desk_hears_who_has_the_pause(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    other = desk.claim(run_id, pause_state_id=pause_id, value="{}", sender=THEIRS)
    assert isinstance(other, TakenBy)
    assert (other.value, other.sender) == (YES, OURS)
    again = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert again == Claimed()


def test_a_claim_after_our_own_move_says_that_the_answer_was_ours(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    desk.move(run_id, pause_state_id=pause_id)
    theirs.put(str(run_id), "COMPLETED")
    again = desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert isinstance(again, MovedOn)
    assert again.state is not None
    assert again.state.type is StateType.RUNNING  # how the pause ended, not where the run is
    assert again.response is not None
    assert again.response.sender == OURS


def test_a_claim_whose_reply_got_lost_is_found_again(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)
    theirs.faults = [Fault(f"POST /flow_runs/{run_id}/input", takes_effect=True)]
    with pytest.raises(Unconfirmed):
        desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    response = desk.read_response(run_id, pause_id)
    assert response is not None
    assert response.sender == OURS
    assert desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS) == Claimed()


def test_a_write_is_never_sent_twice_by_itself(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    call = f"POST /flow_runs/{run_id}/resume"
    theirs.faults = [Fault(call)]
    with pytest.raises(Unconfirmed):
        desk.resume(run_id, pause_state_id=pause_id, value=YES)
    assert theirs.requests.count(call) == 1


def test_no_step_touches_the_next_pause(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    theirs.put(str(run_id), "RUNNING")
    theirs.put(str(run_id), "PAUSED", name="Paused")
    for moved in (
        desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS),
        desk.move(run_id, pause_state_id=pause_id),
        desk.resume(run_id, pause_state_id=pause_id, value=YES),
        desk.end(run_id, pause_state_id=pause_id, reviewer="bob", reason="no"),
    ):
        assert isinstance(moved, MovedOn)
        assert moved.state is not None
        assert moved.state.type is StateType.RUNNING
    assert theirs.kinds_of(str(run_id)) == ["PAUSED", "RUNNING", "PAUSED"]


def test_an_answer_that_loses_the_race_to_move_is_told_how_it_ended(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs)

    def cancel(request: str) -> None:
        if request.endswith("/set_state") and len(theirs.states[str(run_id)]) == 1:
            theirs.put(str(run_id), "CANCELLED")

    theirs.before = cancel
    moved = desk.move(run_id, pause_state_id=pause_id)
    assert isinstance(moved, MovedOn)
    assert moved.state is not None
    assert moved.state.type is StateType.CANCELLED


def test_only_our_own_claim_is_released(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=THEIRS)
    desk.release(run_id, pause_state_id=pause_id, sender=OURS)
    assert theirs.answer_of(str(run_id)) == YES
    desk.release(run_id, pause_state_id=pause_id, sender=THEIRS)
    assert theirs.answer_of(str(run_id)) is None


def test_a_pause_that_asks_nothing_has_a_lock_between_desks(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs, asks=False)
    assert desk.claim(run_id, pause_state_id=pause_id, value="{}", sender=OURS) == Claimed()
    other = desk.claim(run_id, pause_state_id=pause_id, value="{}", sender=THEIRS)
    assert isinstance(other, TakenBy)
    assert isinstance(desk.move(run_id, pause_state_id=pause_id), Continued)


def test_resume_sends_the_answer_literally(theirs: FakePrefect, desk: PrefectConnector) -> None:
    run_id, pause_id = pause(theirs)
    odd = '{"approve": {"__prefect_kind": "jinja"}}'
    assert isinstance(desk.resume(run_id, pause_state_id=pause_id, value=odd), Continued)
    assert theirs.answer_of(str(run_id)) == odd


@pytest.mark.parametrize("step", ["claim", "move", "resume", "end"])
def test_a_deleted_run_is_gone_at_each_step(
    theirs: FakePrefect, desk: PrefectConnector, step: str
) -> None:
    run_id, pause_id = pause(theirs)

    def delete(request: str) -> None:
        if request.startswith("POST") and not request.endswith("/filter"):
            theirs.runs.pop(str(run_id), None)

    theirs.before = delete
    asked = {
        "claim": {"value": YES, "sender": OURS},
        "move": {},
        "resume": {"value": YES},
        "end": {"reviewer": "bob", "reason": "no"},
    }[step]
    with pytest.raises(FlowRunNotFound):
        getattr(desk, step)(run_id, pause_state_id=pause_id, **asked)


@pytest.mark.parametrize(
    ("status", "trouble"), [(503, Busy), (500, RemoteFault), (401, Unauthorized)]
)
def test_what_the_server_refuses_leaves_no_claim(
    theirs: FakePrefect, desk: PrefectConnector, status: int, trouble: type[RemoteTrouble]
) -> None:
    run_id, pause_id = pause(theirs)
    theirs.faults = [Fault(f"POST /flow_runs/{run_id}/input", status)]
    with pytest.raises(trouble):
        desk.claim(run_id, pause_state_id=pause_id, value=YES, sender=OURS)
    assert desk.read_response(run_id, pause_id) is None


# Rejecting


def reject(desk: PrefectConnector, run_id: UUID, pause_id: UUID) -> object:
    return desk.end(run_id, pause_state_id=pause_id, reviewer="bob", reason="too much")


@pytest.mark.parametrize(
    ("version", "status", "suspended", "kind"),
    [
        ("3.8.8", "READY", False, "CANCELLING"),
        ("3.8.8", "READY", True, "CANCELLED"),
        ("3.8.8", "NOT_READY", False, "CANCELLED"),
        ("3.8.7", "READY", False, "CANCELLED"),
        ("3.4.25", "READY", False, "CANCELLED"),
    ],
)
def test_a_rejection_ends_the_run_as_far_as_its_server_can(
    theirs: FakePrefect, version: str, status: str, suspended: bool, kind: str
) -> None:
    deployment_id = str(uuid4())
    theirs.deployments[deployment_id] = {"name": "desk", "status": status, "paused": False}
    run_id, pause_id = pause(theirs, suspended=suspended, deployment_id=deployment_id)
    desk = connect_to(theirs, version=version)
    ended = reject(desk, run_id, pause_id)
    assert isinstance(ended, Ended)
    assert ended.is_final == (kind == "CANCELLED")
    state = theirs.runs[str(run_id)]["state"]
    assert (state["type"], state["message"]) == (kind, "Rejected by bob: too much")


def test_a_suspended_run_that_nothing_can_bring_back_ends_without_our_words(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    run_id, pause_id = pause(theirs, suspended=True)
    ended = reject(desk, run_id, pause_id)
    assert isinstance(ended, Ended)
    assert ended.is_final
    assert theirs.kinds_of(str(run_id)) == ["PAUSED", "CANCELLED"]


def test_a_process_that_does_not_end_is_cancelled_after_a_minute(
    theirs: FakePrefect, desk: PrefectConnector
) -> None:
    deployment_id = str(uuid4())
    theirs.deployments[deployment_id] = {"name": "desk", "status": "READY"}
    run_id, pause_id = pause(theirs, deployment_id=deployment_id)
    reject(desk, run_id, pause_id)
    assert not desk.finish_end(run_id, reviewer="bob", reason="too much").is_final
    theirs.runs[str(run_id)]["state"]["timestamp"] = "2026-01-01T00:00:00+00:00"
    assert desk.finish_end(run_id, reviewer="bob", reason="too much").is_final
    assert theirs.runs[str(run_id)]["state"]["name"] == "Rejected"
