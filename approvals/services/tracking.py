"""Approvals follow their flow runs: opened, described and closed as local runs change state.

Receivers run inside the transaction of the change, so an approval is never out of step.
"""

import json
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from approvals.models import STANDING, Absence, Approval, Decision, Via, Vote
from approvals.services.asked import keep_schema
from approvals.services.attempts import find_reviewer
from approvals.services.drafts import hold_waiting
from approvals.services.leaving import leave_inbox
from approvals.services.opening import describe_question, draft_opening, open_approvals
from approvals.services.origins import current_via
from approvals.services.plans import check_ends
from approvals.services.seats import (
    dump_votes,
    freeze_seats,
    mark_unsettled,
    settle_seats,
    take_in_author,
)
from approvals.services.sources import find_source, read_form
from approvals.services.voiding import void_outdated, void_votes
from approvals.services.withholding import withhold
from approvals.signals import approval_closed, approval_described
from flowruns.connectors import LOCAL
from flowruns.domain.actors import ActorKind, server
from flowruns.domain.rejections import read_rejection
from flowruns.domain.states import GOING_ON_STATES, State, StateType
from flowruns.models.prepared import PreparedInsert, PreparedQuery, PreparedSave
from flowruns.signals import (
    ArtifactChange,
    InputCreated,
    InputDeleted,
    StateChange,
    artifact_changed,
    flow_run_state_changed,
    run_input_created,
    run_input_deleted,
)

_waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING)
_waiting_of_run = PreparedQuery(_waiting.filter(connector=LOCAL), by="flow_run_id")
_waiting_in_pause = PreparedQuery(_waiting, by=("connector", "pause_state_id"))
_new_decisions = PreparedInsert(Decision)
_ends = PreparedSave(Approval, ["outcome", "closed_at", "closed_by"])


def connect() -> None:
    """Start to follow local runs."""
    flow_run_state_changed.connect(follow_state, dispatch_uid="approvals.follow_state")
    run_input_created.connect(follow_input, dispatch_uid="approvals.follow_input")
    run_input_deleted.connect(follow_deletion, dispatch_uid="approvals.follow_deletion")
    artifact_changed.connect(follow_artifact, dispatch_uid="approvals.follow_artifact")
    pre_save.connect(follow_name, sender=User, dispatch_uid="approvals.follow_user_name")
    pre_save.connect(follow_name, sender=Group, dispatch_uid="approvals.follow_group_name")
    post_save.connect(follow_user, sender=User, dispatch_uid="approvals.follow_user")
    pre_delete.connect(follow_user_gone, sender=User, dispatch_uid="approvals.follow_user_gone")
    post_save.connect(follow_absence, sender=Absence, dispatch_uid="approvals.follow_absence")
    post_save.connect(follow_group, sender=Group, dispatch_uid="approvals.follow_group")
    pre_delete.connect(follow_group, sender=Group, dispatch_uid="approvals.follow_group_gone")
    m2m_changed.connect(
        follow_members, sender=User.groups.through, dispatch_uid="approvals.follow_members"
    )


def follow_state(*, change: StateChange, **_: Any) -> None:
    """Close the approval of the pause that ended, open one for the pause that began."""
    if change.before is not None and change.before.type is StateType.PAUSED:
        close_approval(change, change.before)
    if change.after is not None and change.after.type is StateType.PAUSED:
        open_approvals([draft_opening(change, change.after)])


def follow_input(*, created: InputCreated, **_: Any) -> None:
    """Take in what arrives after its pause, as Prefect's clients send it."""
    if not created.key.endswith(("-description", "-schema")):
        return
    for approval in _waiting_of_run.find_all(created.flow_run_id):
        take_in_question(approval)


def take_in_question(approval: Approval) -> None:
    """Take in what an approval asks by now, and who may answer it."""
    form = read_form(approval)
    if form.description is not None:
        describe_question(approval, form.description)
        approval.save(update_fields=["title", "question", "about"])
        approval_described.send(sender=Approval, approval=approval)
    take_in_author(approval, form)
    check_ends(approval)
    void_unseen(approval)


def follow_artifact(*, change: ArtifactChange, **_: Any) -> None:
    """Void the votes of those who have not seen an artifact as it is now."""
    for approval in _waiting_of_run.find_all(change.flow_run_id):
        void_unseen(approval)


def void_unseen(approval: Approval) -> None:
    """Void the votes of those who have not seen what is asked as it is now."""
    if approval.is_guarded and hold_waiting(approval) and void_outdated(approval):
        settle_seats(approval)


def follow_user(*, instance: User, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    """Look again at what somebody may answer who has changed, perhaps to be let in no more."""
    if update_fields == frozenset({"last_login"}):
        return
    groups = list(instance.groups.values_list("name", flat=True)) if instance.pk else []
    mark_unsettled(people=[instance.get_username()], groups=groups)


def follow_name(
    *, instance: User | Group, update_fields: frozenset[str] | None = None, **_: Any
) -> None:
    """Look again at what waits for the name that somebody, or a group, is about to give up."""
    if instance.pk is None or update_fields == frozenset({"last_login"}):
        return
    if isinstance(instance, Group):
        groups = Group.objects.filter(pk=instance.pk).exclude(name=instance.name)
        mark_unsettled(groups=list(groups.values_list("name", flat=True)))
        return
    before = User.objects.filter(pk=instance.pk).exclude(username=instance.get_username())
    if names := list(before.values_list("username", flat=True)):
        _void_votes_of(instance, *names)
        mark_unsettled(people=names)


def follow_user_gone(*, instance: User, **_: Any) -> None:
    """Let a vote go with its account, so that nobody who gets the name has voted."""
    _void_votes_of(instance, instance.get_username())
    follow_user(instance=instance)


def _void_votes_of(user: User, *names: str) -> None:
    """Void the votes of somebody who gives up these names, and of whoever stood in for them."""
    waiting = Vote.objects.filter(STANDING, approval__outcome=Approval.Outcome.WAITING)
    theirs = waiting.filter(Q(reviewer=user) | Q(for_whom__in=names))
    void_votes(theirs, because=f"{names[0]} has another name, or is gone.")


def follow_absence(*, instance: Absence, **_: Any) -> None:
    """Look again at what waits for somebody who is away: their stand-in is told."""
    follow_user(instance=instance.person)


def follow_group(*, instance: Group, **_: Any) -> None:
    mark_unsettled(groups=[instance.name])


def follow_members(*, instance: User | Group, action: str, pk_set: set[int], **_: Any) -> None:
    """Look again at what the members of groups may answer, who have changed."""
    if not action.startswith("post_") and action != "pre_clear":
        return
    if isinstance(instance, Group):
        people = list(User.objects.filter(pk__in=pk_set or ()).values_list("username", flat=True))
        mark_unsettled(groups=[instance.name], people=people)
        return
    groups = Group.objects.filter(pk__in=pk_set) if pk_set else instance.groups
    mark_unsettled(
        groups=list(groups.values_list("name", flat=True)), people=[instance.get_username()]
    )


def follow_deletion(*, deleted: InputDeleted, **_: Any) -> None:
    """Keep a schema that is taken back: somebody may be filling it in at this moment."""
    if deleted.key.endswith("-schema"):
        for approval in _waiting_of_run.find_all(deleted.flow_run_id):
            keep_schema(approval, deleted.value)


def close_approval(change: StateChange, pause: State, *, connector: str = LOCAL) -> None:
    """Close the approval of a pause that has ended, if it waits."""
    approval = _waiting_in_pause.find(connector, pause.id)
    if approval is None:
        return
    closed_at = change.after.timestamp if change.after else datetime.now(UTC)
    approval.outcome = _outcome(change)
    approval.closed_at = closed_at
    approval.closed_by = str(change.actor)
    _ends.save(approval)
    if approval.is_guarded:
        _record_votes(approval, change, closed_at)
    winner = None
    if approval.outcome in {Approval.Outcome.ANSWERED, Approval.Outcome.REJECTED}:
        winner = _record_decision(approval, change, closed_at).reviewer
    leave_inbox(approval, winner=winner)
    approval_closed.send(sender=Approval, approval=approval)


def _record_votes(approval: Approval, change: StateChange, decided_at: datetime) -> None:
    """Count the answer of an API key as the vote that it is, and tell the flow who answered."""
    is_answered = approval.outcome == Approval.Outcome.ANSWERED
    if is_answered and change.actor.kind is ActorKind.API_KEY:
        Vote.objects.create(
            approval=approval,
            name=change.actor.name,
            is_key=True,
            kind=Vote.Kind.YES,
            answer=withhold(approval, change.run_input or ""),
            via=Via.API,
            at=decided_at,
        )
    freeze_seats(approval)
    if not is_answered:
        return
    find_source(approval).write_votes(
        approval.flow_run_id,
        pause_state_id=approval.pause_state_id,
        votes=json.dumps(dump_votes(approval), ensure_ascii=False),
        actor=server("approvals"),
        is_confidential=approval.is_hidden,
    )


def _outcome(change: StateChange) -> Approval.Outcome:
    after = change.after
    if after is None:
        return Approval.Outcome.WITHDRAWN
    if after.type in GOING_ON_STATES:
        return Approval.Outcome.ANSWERED
    if read_rejection(after) is not None:
        return Approval.Outcome.REJECTED
    overdue = change.before is not None and change.before.has_timed_out(after.timestamp)
    if after.type is StateType.FAILED and overdue:
        return Approval.Outcome.EXPIRED
    return Approval.Outcome.WITHDRAWN


def _record_decision(approval: Approval, change: StateChange, decided_at: datetime) -> Decision:
    form = read_form(approval, pause=change.before)
    rejection = read_rejection(change.after) if change.after else None
    is_persons = change.actor.kind is ActorKind.REVIEWER
    override = _find_override(approval, change) if is_persons else None
    reason = rejection.reason if rejection else override.reason if override else ""
    decision = Decision(
        approval=approval,
        reviewer=find_reviewer(change.actor),
        decided_by=str(change.actor),
        decided_at=decided_at,
        answer=change.run_input or "",
        reason=reason,
        overrode=override is not None,
        via=Via.API if change.actor.kind is ActorKind.API_KEY else current_via(),
        description=form.description or "",
        schema=form.schema or "",
    )
    return _new_decisions.insert(decision)


def _find_override(approval: Approval, change: StateChange) -> Vote | None:
    overrides = approval.votes.filter(STANDING, kind=Vote.Kind.OVERRIDE, name=change.actor.name)
    return overrides.first()
