"""Answer a paused run from code."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from flowruns import aresume_flow_run, resume_flow_run
from flowruns.domain.states import State, StateType, failed
from flowruns.exceptions import FlowPauseTimeout, NotPausedError, ObjectNotFound, ResumeRefused
from flowruns.sdk.inputs.resumes import resume_steps
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import served_by
from tests.paused_flows import PausedFlow


def _paused() -> PausedFlow:
    flow = PausedFlow()
    flow.server.set_state(flow.run, State(type=StateType.PAUSED))
    return flow


def _resume_with_verdict(flow: PausedFlow, verdict: dict[str, Any]) -> None:
    def answer(request: Send) -> Reply:
        if request.path.endswith("/resume"):
            return Reply(200, json.dumps(verdict).encode(), {"content-type": "application/json"})
        return flow.server.handle(request)

    flow.stage.server = answer
    flow.stage.play(resume_steps(flow.id, {"approve": "?"}))


def test_a_paused_run_goes_on_with_the_answer() -> None:
    flow = _paused()
    flow.stage.play(resume_steps(flow.id, {"approve": True}))
    assert flow.run.names[-2:] == ["Paused", "Running"]
    assert flow.stage.sent[-1].body == {"run_input": {"approve": True}}


def _ask_late(flow: PausedFlow, *, seconds: float) -> None:
    """Let the server refuse answers as Prefect's does while the run's question is not stored."""
    reason = "Cannot resume this run: Run input schema not found."
    refusal = {"status": "REJECT", "details": {"type": "reject_details", "reason": reason}}

    def answer(request: Send) -> Reply:
        if request.path.endswith("/resume") and flow.stage.seconds < seconds:
            return Reply(200, json.dumps(refusal).encode(), {"content-type": "application/json"})
        return flow.server.handle(request)

    flow.stage.server = answer


def test_an_answer_that_is_faster_than_its_question_waits_for_it() -> None:
    flow = _paused()
    _ask_late(flow, seconds=0.25)
    flow.stage.play(resume_steps(flow.id, {"approve": True}))
    assert flow.run.names[-2:] == ["Paused", "Running"]
    assert flow.stage.slept == [0.1] * 3


def test_a_question_that_never_comes_is_not_waited_for() -> None:
    flow = _paused()
    _ask_late(flow, seconds=60)
    with pytest.raises(ResumeRefused, match="Run input schema not found"):
        flow.stage.play(resume_steps(flow.id, {"approve": True}))
    assert 5 <= flow.stage.seconds < 6


def test_a_run_that_is_not_paused_is_not_resumed() -> None:
    flow = PausedFlow()
    with pytest.raises(NotPausedError):
        flow.stage.play(resume_steps(flow.id, None))
    assert flow.asked == ["GET /flow_runs/…"]


def test_one_who_comes_second_is_told_so() -> None:
    flow = _paused()
    reason = "Cannot resume a flow run that is not paused."
    verdict = {"status": "ABORT", "details": {"type": "abort_details", "reason": reason}}
    with pytest.raises(NotPausedError, match=reason):
        _resume_with_verdict(flow, verdict)


def test_after_the_deadline_it_is_too_late() -> None:
    flow = _paused()
    flow.server.set_state(flow.run, failed("The flow was running and never resumed."))
    state = flow.run.as_wire().model_dump(mode="json")["state"]
    flow.server.set_state(flow.run, State(type=StateType.RUNNING))
    flow.server.set_state(flow.run, State(type=StateType.PAUSED))
    details = {"type": "reject_details", "reason": "timed out"}
    with pytest.raises(FlowPauseTimeout, match="can no longer be resumed"):
        _resume_with_verdict(flow, {"status": "REJECT", "state": state, "details": details})


def test_a_refused_answer_tells_every_problem_with_its_path() -> None:
    flow = _paused()
    problems = [
        {"path": ["items", 2, "price"], "message": "'x' is not of type 'number'"},
        {"path": [], "message": "'approve' is a required property"},
    ]
    details = {"type": "abort_details", "reason": "Validation failed.", "problems": problems}
    with pytest.raises(ResumeRefused) as caught:
        _resume_with_verdict(flow, {"status": "REJECT", "details": details})
    assert str(caught.value).splitlines() == [
        "Cannot resume this run: Validation failed.",
        "  items.2.price: 'x' is not of type 'number'",
        "  the input: 'approve' is a required property",
    ]
    assert len(caught.value.problems) == 2
    assert isinstance(caught.value, RuntimeError)


def test_prefects_single_reason_is_told_as_it_is() -> None:
    flow = _paused()
    verdict = {"status": "REJECT", "details": {"type": "abort_details", "reason": None}}
    with pytest.raises(ResumeRefused, match="no reason"):
        _resume_with_verdict(flow, verdict)


def test_an_unknown_run_is_an_error() -> None:
    flow = PausedFlow()
    with pytest.raises(ObjectNotFound):
        flow.stage.play(resume_steps(uuid4(), None))


def _resume_sync(flow: PausedFlow) -> None:
    resume_flow_run(flow.id)


def _resume_async(flow: PausedFlow) -> None:
    asyncio.run(aresume_flow_run(flow.id))


@pytest.mark.parametrize("resume", [_resume_sync, _resume_async])
def test_sync_and_async_code_resume_alike(resume: Callable[[PausedFlow], None]) -> None:
    flow = _paused()
    with served_by(flow.server.handle):
        resume(flow)
    assert flow.run.names[-1] == "Running"
