"""Approvals follow their flow runs: opened, described and closed as local runs change state.

Receivers run inside the transaction of the change, so an approval is never out of step.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.models import Approval, Decision
from approvals.prose import summarise_markdown
from approvals.services.asked import keep_schema
from approvals.services.drafts import end_drafts
from approvals.services.uploads import drop_uploads
from flowruns.connectors import PauseForm, get_connector
from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.rejections import read_rejection
from flowruns.domain.states import State, StateType
from flowruns.signals import (
    InputCreated,
    InputDeleted,
    StateChange,
    flow_run_state_changed,
    run_input_created,
    run_input_deleted,
)

_LOCAL = "local"
_QUESTION_LENGTH = 300
_GOING_ON = {StateType.RUNNING, StateType.SCHEDULED}


def connect() -> None:
    """Start to follow local runs."""
    flow_run_state_changed.connect(follow_state, dispatch_uid="approvals.follow_state")
    run_input_created.connect(follow_input, dispatch_uid="approvals.follow_input")
    run_input_deleted.connect(follow_deletion, dispatch_uid="approvals.follow_deletion")


def follow_state(*, change: StateChange, **_: Any) -> None:
    """Close the approval of the pause that ended, open one for the pause that began."""
    if change.before is not None and change.before.type is StateType.PAUSED:
        _close(change, change.before)
    if change.after is not None and change.after.type is StateType.PAUSED:
        _open(change, change.after)


def follow_input(*, created: InputCreated, **_: Any) -> None:
    """Take in a description that arrives after its pause, as Prefect's clients send it."""
    if not created.key.endswith("-description"):
        return
    for approval in _waiting_of(created.flow_run_id):
        form = _read_form(approval)
        if form.description is not None:
            approval.question = _ask(form.description)
            approval.save(update_fields=["question"])


def follow_deletion(*, deleted: InputDeleted, **_: Any) -> None:
    """Keep a schema that is taken back: somebody may be filling it in at this moment."""
    if deleted.key.endswith("-schema"):
        for approval in _waiting_of(deleted.flow_run_id):
            keep_schema(approval, deleted.value)


def _waiting_of(flow_run_id: UUID) -> QuerySet[Approval]:
    return Approval.objects.filter(
        connector=_LOCAL, flow_run_id=flow_run_id, outcome=Approval.Outcome.WAITING
    )


def _open(change: StateChange, pause: State) -> None:
    approval = Approval(
        connector=_LOCAL,
        flow_run_id=change.flow_run_id,
        pause_state_id=pause.id,
        pause_key=pause.details.pause_key or "",
        flow_name=change.flow_name,
        flow_run_name=change.flow_run_name,
        tags=list(change.tags),
        asks_for_input=pause.asks_for_input,
        opened_at=pause.timestamp,
        expires_at=pause.details.pause_timeout,
    )
    description = _read_form(approval).description
    approval.question = _ask(description) if description else ""
    approval.save()


def _ask(description: str) -> str:
    return summarise_markdown(description, length=_QUESTION_LENGTH)


def _close(change: StateChange, pause: State) -> None:
    approval = Approval.objects.filter(
        connector=_LOCAL, pause_state_id=pause.id, outcome=Approval.Outcome.WAITING
    ).first()
    if approval is None:
        return
    closed_at = change.after.timestamp if change.after else datetime.now(UTC)
    approval.outcome = _outcome(change)
    approval.closed_at = closed_at
    approval.closed_by = str(change.actor)
    approval.save(update_fields=["outcome", "closed_at", "closed_by"])
    winner = None
    if approval.outcome in {Approval.Outcome.ANSWERED, Approval.Outcome.REJECTED}:
        winner = _record_decision(approval, change, closed_at).reviewer
    end_drafts(approval, winner=winner)
    drop_uploads(approval)


def _outcome(change: StateChange) -> Approval.Outcome:
    after = change.after
    if after is None:
        return Approval.Outcome.WITHDRAWN
    if after.type in _GOING_ON:
        return Approval.Outcome.ANSWERED
    if read_rejection(after) is not None:
        return Approval.Outcome.REJECTED
    overdue = change.before is not None and change.before.has_timed_out(after.timestamp)
    if after.type is StateType.FAILED and overdue:
        return Approval.Outcome.EXPIRED
    return Approval.Outcome.WITHDRAWN


def _record_decision(approval: Approval, change: StateChange, decided_at: datetime) -> Decision:
    form = _read_form(approval)
    rejection = read_rejection(change.after) if change.after else None
    return Decision.objects.create(
        approval=approval,
        reviewer=_find_reviewer(change.actor),
        decided_by=str(change.actor),
        decided_at=decided_at,
        answer=change.run_input or "",
        reason=rejection.reason if rejection else "",
        description=form.description or "",
        schema=form.schema or "",
    )


def _read_form(approval: Approval) -> PauseForm:
    connector = get_connector(approval.connector)
    return connector.read_pause_form(approval.flow_run_id, approval.pause_state_id)


def _find_reviewer(actor: Actor) -> User | None:
    if actor.kind is not ActorKind.REVIEWER:
        return None
    return User.objects.filter(username=actor.name).first()
