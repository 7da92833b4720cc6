"""A pause from the flow's side, played by hand against the rules of the real server."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from flowruns import RunInput
from flowruns.domain.rejections import rejected
from flowruns.domain.states import State, StateDetails, StateType, cancelled, failed, running
from flowruns.exceptions import (
    ApprovalRejected,
    FlowPauseTimeout,
    MissingContextError,
    NotAuthorized,
    PauseCancelled,
    PausedRunDeleted,
    PauseEnded,
    PauseFailed,
    PauseRefused,
    ServerUnreachable,
)
from flowruns.sdk.pauses import pause_steps
from flowruns.sdk.steps import Reply, Send
from tests.paused_flows import PausedFlow


class Approval(RunInput):
    approve: bool
    reason: str = ""


def test_a_pause_returns_the_answer_as_soon_as_it_is_there() -> None:
    flow = PausedFlow()
    flow.answer_at(1234.5, {"approve": True, "reason": "fine"})
    answer = flow.pause(Approval)
    assert answer.model_dump() == {"approve": True, "reason": "fine"}
    assert answer.metadata.receiver == flow.id
    assert answer.metadata.key == "paused-1-response"
    assert flow.stage.seconds == 1234.5


def test_the_schema_is_stored_before_the_run_is_paused() -> None:
    flow = PausedFlow()
    flow.answer_at(1, {"approve": True})
    flow.pause(Approval.with_initial_data(description="Refund **7 EUR**?"))
    assert flow.asked[:4] == [
        "POST /flow_runs/…/input",
        "POST /flow_runs/…/input",
        "POST /flow_runs/…/input",
        "POST /flow_runs/…/set_state",
    ]
    assert json.loads(flow.run.inputs["paused-1-description"]) == "Refund **7 EUR**?"
    assert json.loads(flow.run.inputs["paused-1-schema"])["title"] == "Approval"


def test_the_state_says_what_prefects_says() -> None:
    flow = PausedFlow()
    flow.answer_at(1, {"approve": True})
    flow.pause(Approval, timeout=60, key="legal-review")
    paused = flow.run.history[2]
    assert (paused.type, paused.name) == (StateType.PAUSED, "Paused")
    assert paused.details.pause_timeout == flow.run.history[1].timestamp + timedelta(seconds=60)
    assert paused.details.pause_key == "legal-review"
    assert paused.details.pause_reschedule is False
    assert paused.details.run_input_keyset == {
        "schema": "paused-legal-review-schema",
        "description": "paused-legal-review-description",
        "response": "paused-legal-review-response",
    }


def test_the_proposal_tells_the_clock_that_its_deadline_is_meant_by() -> None:
    flow = PausedFlow()
    flow.answer_at(1)
    flow.pause()
    assert flow.stage.sent[1].headers["Date"] == "Sun, 01 Nov 2026 00:00:00 GMT"


def test_a_pause_without_input_asks_for_none_and_returns_none() -> None:
    flow = PausedFlow()
    flow.answer_at(5)
    assert flow.pause() is None
    assert set(flow.run.inputs) == {"paused-1-step"}
    assert flow.run.history[2].details.run_input_keyset is None


def test_an_empty_answer_means_the_defaults() -> None:
    flow = PausedFlow()
    flow.answer_at(5)
    assert flow.pause(Approval.with_initial_data(approve=True)).approve is True


def test_an_answer_that_the_type_refuses_is_a_validation_error() -> None:
    flow = PausedFlow()
    flow.answer_at(5, {"approve": "perhaps"})
    with pytest.raises(ValidationError, match="approve"):
        flow.pause(Approval)


@pytest.mark.parametrize(("wanted", "given"), [(int, 7), (list[str], ["a"]), (int | None, None)])
def test_any_type_can_be_asked_for_and_is_unwrapped(wanted: Any, given: Any) -> None:
    flow = PausedFlow()
    flow.answer_at(5, {"value": given})
    assert flow.pause(wanted) == given


def test_each_pause_of_a_run_has_a_key_of_its_own() -> None:
    flow = PausedFlow()
    flow.answer_at(1, {"value": 1})
    flow.answer_at(2, {"value": 2})
    flow.answer_at(3, {"value": 3})
    assert [flow.pause(int), flow.pause(int, key="second"), flow.pause(int)] == [1, 2, 3]
    assert flow.run.facts.pause_keys == {"1", "second", "3"}


@pytest.mark.parametrize("key", ["Approval", "approval_1", "ä"])
def test_a_key_that_the_server_would_refuse_is_refused_before_anything_is_stored(key: str) -> None:
    flow = PausedFlow()
    with pytest.raises(ValueError, match="pause key"):
        flow.pause(Approval, key=key)
    assert flow.asked == []


def test_there_is_nothing_to_pause_outside_of_a_flow_run() -> None:
    with pytest.raises(MissingContextError, match="only be paused from within a flow run"):
        pause_steps(None, timeout=1, poll_interval=1, key=None)


# --- how it waits


def test_a_server_that_holds_requests_is_asked_once_a_minute() -> None:
    flow = PausedFlow()
    flow.answer_at(150)
    flow.pause()
    reads = [s for s in flow.stage.sent if s.method == "GET"]
    paused_id = flow.run.history[2].id
    assert [s.headers["Prefer"] for s in reads] == ["wait=60, attend"] * 3
    assert {s.headers["If-None-Match"] for s in reads} == {f'"{paused_id}"'}
    assert sum(flow.stage.slept) == 0


def test_a_server_that_cannot_hold_is_asked_every_poll_interval() -> None:
    flow = PausedFlow(holds=False)
    flow.answer_at(25)
    flow.pause(poll_interval=10)
    assert flow.stage.slept == [10, 10, 10]


def test_a_server_that_ends_its_holds_early_is_not_asked_without_pause() -> None:
    flow = PausedFlow()
    flow.answer_at(5)

    def hurried(request: Send) -> Reply:
        if "wait" in request.headers.get("Prefer", "") and flow.stage.seconds < 4:
            return Reply(304, b"", {"preference-applied": "wait=60"})
        return flow.server.handle(request)

    flow.stage.server = hurried
    flow.pause()
    assert flow.stage.slept[:4] == [1.0] * 4


# --- how it ends when nobody answers


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("timeout", [0.3, 2, 7.5, 61.2])
def test_a_pause_times_out_when_it_was_asked_to(timeout: float, holds: bool) -> None:
    flow = PausedFlow(holds=holds)
    with pytest.raises(FlowPauseTimeout, match="paused and never resumed"):
        flow.pause(timeout=timeout)
    assert timeout <= flow.stage.seconds <= timeout + 0.01


def test_no_request_is_held_beyond_the_deadline() -> None:
    flow = PausedFlow()
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=90.5)
    reads = [s for s in flow.stage.sent if s.method == "GET"]
    assert [s.headers.get("Prefer") for s in reads] == [
        *("wait=60, attend", "wait=30, attend", "attend", "attend")
    ]
    assert reads[-1].timeout < 1


def test_an_answer_at_the_last_moment_counts() -> None:
    flow = PausedFlow(holds=False)
    flow.answer_at(2, {"value": 1})
    assert flow.pause(int, timeout=2, poll_interval=10) == 1


def test_the_servers_word_ends_a_pause_before_this_clock_does() -> None:
    flow = PausedFlow()
    flow.at(3, failed("The flow was paused and never resumed."))
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=60)
    assert flow.stage.seconds == 3


def test_a_failure_at_the_deadline_is_an_expiry_whatever_its_message() -> None:
    flow = PausedFlow()
    late = replace(failed("Zeit abgelaufen"), timestamp=flow.stage.now() + timedelta(seconds=61))
    flow.stage.at(59, lambda: flow.server.set_state(flow.run, late))
    with pytest.raises(FlowPauseTimeout, match="Zeit abgelaufen"):
        flow.pause(timeout=60)


def test_giving_up_takes_the_run_out_of_its_pause() -> None:
    flow = PausedFlow()
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert flow.run.names[-2:] == ["Paused", "Failed"]


def _just_before_giving_up(flow: PausedFlow, act: Callable[[], object]) -> None:
    def interleave(request: Send) -> Reply:
        if request.path.endswith("set_state") and flow.run.names[-1] == "Paused":
            act()
        return flow.server.handle(request)

    flow.stage.server = interleave


def test_an_answer_between_the_last_look_and_giving_up_counts() -> None:
    flow = PausedFlow()
    _just_before_giving_up(flow, lambda: flow.server._resume(flow.run, {"value": 8}))
    assert flow.pause(int, timeout=5) == 8
    assert flow.run.names[-1] == "Running"


def test_an_expiry_between_the_last_look_and_giving_up_is_one() -> None:
    flow = PausedFlow()
    _just_before_giving_up(flow, lambda: flow.server.set_state(flow.run, failed("expired")))
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert flow.run.state.message == "expired"


@pytest.mark.parametrize("timeout", [0.5, 3, 75])
def test_a_server_that_hangs_does_not_prolong_it_by_a_second(timeout: float) -> None:
    flow = PausedFlow()

    def hang(request: Send) -> Reply:
        if flow.run.names[-1] == "Running":
            return flow.server.handle(request)
        flow.stage.seconds += request.timeout
        raise ServerUnreachable("timed out")

    flow.stage.server = hang
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=timeout)
    assert timeout <= flow.stage.seconds < timeout + 1
    assert flow.run.names[-1] == "Paused"  # the server ends it, when it is back


def test_a_server_that_goes_away_at_the_deadline_does_not_prolong_it() -> None:
    flow = PausedFlow()

    def lose(request: Send) -> Reply:
        if request.path.endswith("set_state") and flow.run.names[-1] == "Paused":
            flow.away.leave()
        return flow.away(request)

    flow.stage.server = lose
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=5)
    assert flow.stage.seconds == 5


# --- how it ends when the run does


def test_a_rejection_says_who_and_why() -> None:
    flow = PausedFlow()
    flow.at(5, rejected(reviewer="bob", reason="Too much"))
    with pytest.raises(ApprovalRejected) as caught:
        flow.pause(Approval)
    error = caught.value
    assert (error.reviewer, error.reason, error.flow_run_id) == ("bob", "Too much", flow.id)
    assert error.state is not None
    assert error.state.name == "Rejected"
    assert flow.stage.seconds == 5


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (cancelled("by hand"), PauseCancelled),
        (State(type=StateType.CANCELLING), PauseCancelled),
        (failed("broken"), PauseFailed),
        (State(type=StateType.CRASHED, message="gone"), PauseFailed),
        (State(type=StateType.COMPLETED), PauseFailed),
    ],
)
def test_any_other_end_of_the_run_ends_the_pause_at_once(
    state: State, expected: type[PauseEnded]
) -> None:
    flow = PausedFlow()
    flow.at(5, state)
    with pytest.raises(expected) as caught:
        flow.pause()
    assert type(caught.value) is expected
    assert flow.stage.seconds == 5


def test_the_deletion_of_the_run_ends_the_pause_at_once() -> None:
    flow = PausedFlow()
    flow.stage.at(5, flow.server.runs.clear)
    with pytest.raises(PausedRunDeleted):
        flow.pause(poll_interval=1)
    assert flow.stage.seconds <= 65


def test_a_run_that_was_cancelled_before_the_pause_says_so() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, rejected(reviewer="bob", reason="Stop"))
    with pytest.raises(ApprovalRejected, match="Stop"):
        flow.pause()


def test_a_run_that_is_being_cancelled_does_not_pause() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, State(type=StateType.CANCELLING))
    with pytest.raises(PauseCancelled):
        flow.pause()


def test_a_run_that_may_not_pause_says_the_servers_reason() -> None:
    flow = PausedFlow()
    flow.server.set_state(flow.run, State(type=StateType.SCHEDULED))
    with pytest.raises(PauseRefused, match="not currently running"):
        flow.pause()


# --- pauses that have been before


def test_a_pause_that_has_fired_returns_its_stored_answer() -> None:
    flow = PausedFlow()
    flow.answer_at(1, {"value": 41})
    assert flow.pause(int, key="once") == 41
    assert flow.pause(int, key="once") == 41
    assert flow.run.names.count("Paused") == 1


def test_a_retry_asks_anew_and_forgets_the_old_answer() -> None:
    flow = PausedFlow()
    flow.answer_at(1, {"approve": False})
    assert flow.pause(Approval, key="k").approve is False
    # What a server that keeps the inputs of a failed attempt, as Prefect's does, has then:
    flow.run.facts = replace(flow.run.facts, pause_keys=frozenset())
    asked_before = len(flow.asked)
    flow.answer_at(2, {"approve": True})
    assert flow.pause(Approval.with_initial_data(reason="again"), key="k").approve is True
    assert json.loads(flow.run.inputs["paused-k-schema"])["properties"]["reason"]["default"]
    stored = flow.asked[asked_before:].index("POST /flow_runs/…/set_state")
    assert flow.asked[asked_before:][:stored].count("POST /flow_runs/…/input") == 3


def test_another_paused_state_of_the_same_pause_is_waited_out_too() -> None:
    flow = PausedFlow()
    flow.stage.at(10, lambda: flow.run.history.append(replace(flow.run.state, id=uuid4())))
    flow.answer_at(20, {"value": 3})
    assert flow.pause(int) == 3


def test_a_pause_from_outside_is_waited_out_first() -> None:
    flow = PausedFlow()
    details = StateDetails(pause_timeout=flow.stage.now() + timedelta(hours=1))
    flow.server.set_state(flow.run, State(type=StateType.PAUSED, details=details))
    flow.at(10, running())
    flow.answer_at(20, {"value": 3})
    assert flow.pause(int) == 3
    assert flow.stage.seconds == 20


# --- a server that is not there


def test_a_server_that_is_away_for_minutes_does_not_end_the_pause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    flow = PausedFlow()
    flow.stage.at(10, flow.away.leave)
    flow.stage.at(310, flow.away.come_back)
    flow.answer_at(400, {"value": 5})
    with caplog.at_level(logging.INFO):
        assert flow.pause(int) == 5
    assert flow.stage.seconds == 400
    warnings = [r.message for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "cannot be reached" in warnings[0]
    assert [r.message for r in caplog.records].count("The server answers again.") == 1


def test_its_return_is_noticed_within_seconds() -> None:
    flow = PausedFlow(holds=False)
    flow.stage.at(1, flow.away.leave)
    flow.answer_at(299)
    flow.stage.at(300, flow.away.come_back)
    flow.pause(poll_interval=0.5)
    assert flow.stage.seconds <= 304


def test_the_deadline_holds_while_the_server_is_away() -> None:
    flow = PausedFlow()
    flow.stage.at(1, flow.away.leave)
    with pytest.raises(FlowPauseTimeout):
        flow.pause(timeout=62.5)
    assert flow.stage.seconds == 62.5


def test_an_acceptance_whose_answer_was_lost_is_an_acceptance() -> None:
    flow = PausedFlow()
    lost: list[Send] = []

    def lose_once(request: Send) -> Reply:
        reply = flow.server.handle(request)
        if request.path.endswith("set_state") and not lost:
            lost.append(request)
            flow.away.leave()
            flow.stage.at(flow.stage.seconds + 0.05, flow.away.come_back)
            return flow.away(request)
        return flow.away(request) if request.path.endswith("set_state") else reply

    flow.stage.server = lose_once
    flow.answer_at(30, {"value": 9})
    assert flow.pause(int) == 9
    assert flow.run.names.count("Paused") == 1


def test_a_refused_key_ends_the_pause() -> None:
    flow = PausedFlow()

    def refuse(request: Send) -> Reply:
        if request.method == "GET":
            return Reply(401, b'{"detail":"Unknown key"}', {"content-type": "application/json"})
        return flow.server.handle(request)

    flow.stage.server = refuse
    with pytest.raises(NotAuthorized, match="FLOWRUNS_API_KEY"):
        flow.pause()
