"""Deciding: exactly one reviewer's answer or rejection ends a pause."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from approvals.models import Approval, Attempt
from approvals.services import attempts
from approvals.services.sources import find_source
from flowruns.connectors import PauseForm, Reply
from flowruns.domain.actors import reviewer
from flowruns.domain.errors import EvaluationBusy, FlowRunNotFound, Unprocessable

type Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """This reviewer decided."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer was refused and the run still waits; `problems` are (path, message)."""

    reason: str
    problems: Sequence[tuple[Path, str]] = ()


@dataclass(frozen=True, slots=True)
class TooLate:
    """The approval had ended before: answered, rejected, expired or withdrawn."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Sent:
    """It is on its way to the server where the run lives, which has not confirmed it yet."""


type Result = Decided | Refused | TooLate | Sent


def read_form(approval: Approval) -> PauseForm:
    """Return what the approval asks, as it was asked if it is decided."""
    decision = getattr(approval, "decision", None)
    if decision is not None:
        return PauseForm(schema=decision.schema or None, description=decision.description or None)
    connector = find_source(approval)
    return connector.read_pause_form(approval.flow_run_id, approval.pause_state_id)


def answer_approval(approval: Approval, *, user: User, run_input: Any) -> Result:
    """Answer in the user's name; `run_input` is a JSON value, {} where nothing is asked."""
    connector = find_source(approval)
    try:
        reply = connector.resume_flow_run(
            approval.flow_run_id,
            run_input=run_input,
            pause_state_id=approval.pause_state_id,
            actor=reviewer(user.get_username()),
        )
    except FlowRunNotFound:
        return too_late(approval)
    except (EvaluationBusy, Unprocessable) as error:
        return Refused(str(error))
    return conclude(approval, reply)


def reject_approval(approval: Approval, *, user: User, reason: str) -> Result:
    """Cancel the run in the user's name; the flow is told the reason and who gave it."""
    connector = find_source(approval)
    try:
        reply = connector.reject_flow_run(
            approval.flow_run_id,
            reason=reason,
            pause_state_id=approval.pause_state_id,
            actor=reviewer(user.get_username()),
        )
    except FlowRunNotFound:
        return too_late(approval)
    return conclude(approval, reply)


def conclude(approval: Approval, reply: Reply) -> Result:
    """Say what the reply of the run's server means for an approval."""
    if reply.accepted:
        return Sent() if reply.still_waits else Decided()
    approval.refresh_from_db()
    if approval.is_waiting:
        return Refused(reply.reason, reply.problems)
    return too_late(approval)


def await_verdict(approval: Approval, *, user: User) -> Result:
    """Wait a few seconds for what becomes of what a user has sent to another server."""
    attempt = attempts.await_verdict(approval, user=user)
    match attempt.outcome if attempt else Attempt.Outcome.OPEN:
        case Attempt.Outcome.DONE:
            return Decided()
        case Attempt.Outcome.LOST:
            return too_late(approval)
        case Attempt.Outcome.REFUSED if attempt:
            return Refused(attempt.words, [(tuple(path), why) for path, why in attempt.problems])
        case _:
            return Sent()


def too_late(approval: Approval) -> TooLate:
    """Return how an approval has ended."""
    return TooLate(Approval.objects.select_related("decision").get(pk=approval.pk))
