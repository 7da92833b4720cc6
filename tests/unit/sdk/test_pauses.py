"""A pause from the flow's side, played by hand against the rules of the real server."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from flowruns import RunInput, suspend_flow_run
from flowruns.domain.rejections import rejected
from flowruns.domain.states import State, StateDetails, StateType, cancelled, failed, running
from flowruns.exceptions import (
    ApprovalRejected,
    MissingContextError,
    PauseCancelled,
    PausedRunDeleted,
    PauseEnded,
    PauseFailed,
    PauseRefused,
)
from flowruns.sdk.inputs.pausing import pause_steps
from flowruns.sdk.steps.steps import Reply, Send
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


@pytest.mark.parametrize("drops", [True, False], ids=["since 3.9", "before"])
def test_prefects_server_has_the_questions_also_where_it_drops_those_of_before(
    drops: bool,
) -> None:
    flow = PausedFlow(holds=False)

    def pause_like_prefect(request: Send) -> Reply:
        reply = flow.server.handle(request)
        if drops and request.path.endswith("/set_state"):
            for key in ("schema", "description", "response"):
                flow.run.inputs.pop(f"paused-1-{key}", None)
        return reply._replace(headers={k: v for k, v in reply.headers.items() if k != "etag"})

    flow.stage.server = pause_like_prefect
    flow.answer_at(1, {"approve": True})
    assert flow.pause(Approval.with_initial_data(description="Refund?")).approve
    stored = [key for key in flow.run.inputs if key.endswith(("schema", "description"))]
    assert stored == ["paused-1-description", "paused-1-schema"], "who finds the schema finds all"
    assert json.loads(flow.run.inputs["paused-1-description"]) == "Refund?"
    assert json.loads(flow.run.inputs["paused-1-schema"])["title"] == "Approval"


def test_a_deadline_before_the_question_is_refused_as_by_prefect() -> None:
    flow = PausedFlow()
    with pytest.raises(ValueError, match=r"^'timeout' must be a non-negative number, got -1$"):
        flow.pause(int, timeout=-1)
    assert flow.stage.sent == []
    with pytest.raises(ValueError, match=r"got -0\.5$"):
        suspend_flow_run(timeout=-0.5)


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
