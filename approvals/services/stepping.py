"""What happens while nobody answers: a loop takes the steps that are due, each exactly once."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from approvals.models import Approval, Step
from approvals.services.drafts import hold_waiting
from approvals.services.plans import ENDS, find_rule, plan_last_call_again, plan_next
from approvals.services.seats import add_people
from approvals.services.sources import find_source
from approvals.signals import approval_reminds
from flowruns.connectors import LOCAL, Reply
from flowruns.domain.actors import policy
from flowruns.domain.errors import EvaluationBusy, FlowRunNotFound, Unprocessable
from flowruns.signals import PauseOverdue, pause_is_overdue

_BATCH = 200
_log = logging.getLogger(__name__)


def utc_now() -> datetime:
    return datetime.now(UTC)


def take_due_steps(clock: Callable[[], datetime] = utc_now) -> int:
    """Take the steps whose moment has come; returns how many. Safe in many processes."""
    now = clock()
    due = Step.objects.filter(taken_at__isnull=True, at__lte=now, problem="")
    # A process may have given up by then: `take_last_steps` is told where none has
    too_late = Q(kind__in=ENDS.values(), approval__connector=LOCAL, approval__expires_at__lt=now)
    steps = due.exclude(too_late).select_related("approval").order_by("at", "id")[:_BATCH]
    return sum(_try(step, now) for step in list(steps))


def connect() -> None:
    """Start to end the pauses of local runs as their policies say, even while no loop does."""
    pause_is_overdue.connect(take_last_steps, dispatch_uid="approvals.take_last_steps")


def take_last_steps(*, overdue: PauseOverdue, **_: Any) -> None:
    """Do what a policy says of the end, if nobody has, before the pause fails for its time."""
    due = Step.objects.filter(
        taken_at__isnull=True,
        problem="",
        kind__in=ENDS.values(),
        approval__connector=LOCAL,
        approval__pause_state_id=overdue.pause.id,
    )
    for step in due.select_related("approval").order_by("at", "id"):
        _try(step, utc_now())


def find_next() -> datetime | None:
    """Return when the next step is due."""
    steps = Step.objects.filter(taken_at__isnull=True, problem="").order_by("at")
    return steps.values_list("at", flat=True).first()


def _try(step: Step, now: datetime) -> bool:
    """Take a step; a fault of one holds up no other, and it is tried again in the next round."""
    try:
        return _take(step, now)
    except Exception:  # noqa: BLE001 -- whatever it is, the others are due, too
        _log.exception("A step of an approval was not taken: %s", step)
        return False


def _take(step: Step, now: datetime) -> bool:
    """Take a step unless another process has, or the approval has ended."""
    with transaction.atomic():
        if not hold_waiting(step.approval):
            return False
        if not Step.objects.filter(pk=step.pk, taken_at__isnull=True).update(taken_at=now):
            return False
        step.approval.refresh_from_db()
        _ACTS[Step.Kind(step.kind)](step)
    return True


def _remind(step: Step) -> None:
    """Remind, unless whoever asked for the run is to reply first; the last call comes anyway."""
    if step.approval.asked_requester_at is None or step.kind == Step.Kind.LAST_CALL:
        approval_reminds.send(sender=Approval, approval=step.approval, step=step)
    plan_next(step)


def _ask(step: Step) -> None:
    rule = find_rule(step)
    if rule is not None and step.line is not None:
        add_people(step.approval, line=step.line, who=" or ".join(map(str, rule.who)))
        plan_last_call_again(step.approval)


def _reject(step: Step) -> None:
    approval = step.approval
    _end(
        step,
        lambda: find_source(approval).reject_flow_run(
            approval.flow_run_id,
            reason=step.text,
            pause_state_id=approval.pause_state_id,
            actor=policy(step.origin),
        ),
    )


def _answer(step: Step) -> None:
    approval = step.approval
    _end(
        step,
        lambda: find_source(approval).resume_flow_run(
            approval.flow_run_id,
            run_input=json.loads(step.text),
            pause_state_id=approval.pause_state_id,
            actor=policy(step.origin),
        ),
    )


def _end(step: Step, end: Callable[[], Reply]) -> None:
    """End an approval as its policy says; where the run does not take it, the run fails later."""
    try:
        reply = end()
    except EvaluationBusy:  # tried again in the next round
        Step.objects.filter(pk=step.pk).update(taken_at=None)
        return
    except (FlowRunNotFound, Unprocessable) as error:
        reply = Reply(accepted=False, still_waits=False, reason=str(error))
    if not reply.accepted:
        Step.objects.filter(pk=step.pk).update(taken_at=None, problem=reply.reason)


_ACTS: dict[Step.Kind, Callable[[Step], None]] = {
    Step.Kind.REMIND: _remind,
    Step.Kind.LAST_CALL: _remind,
    Step.Kind.ASK: _ask,
    Step.Kind.REJECT: _reject,
    Step.Kind.ANSWER: _answer,
}
