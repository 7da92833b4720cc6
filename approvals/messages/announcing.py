"""Events become rows of the outbox, in the transaction of the event; nothing is sent here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.messages.content import write_content, write_ending, write_fallen
from approvals.messages.recipients import (
    find_answerers,
    find_asked,
    find_staff,
    kinds_in_use,
    open_channels,
    open_group_channels,
)
from approvals.messages.reminding import GRACE, announce_reminder
from approvals.models import (
    REPLACED,
    TAKEN_BACK,
    Approval,
    Channel,
    Decision,
    Notification,
)
from approvals.services.requesters import find_requesters
from approvals.signals import (
    approval_closed,
    approval_described,
    approval_reminds,
    approval_waits,
)
from flowruns.domain.actors import Actor, ActorKind

_BATCH = 500


def connect() -> None:
    """Start to write what people are to be told."""
    approval_waits.connect(announce_waiting, dispatch_uid="approvals.announce_waiting")
    approval_reminds.connect(announce_reminder, dispatch_uid="approvals.announce_reminder")
    approval_described.connect(describe_again, dispatch_uid="approvals.describe_again")
    approval_closed.connect(announce_end, dispatch_uid="approvals.announce_end")


def announce_waiting(*, approval: Approval, **_: Any) -> None:
    """Tell everybody whose turn has come and who has not been told; staff, where nobody can.

    Who was told and has voted is told again where their vote has fallen by what others did.
    """
    if not kinds_in_use() or not approval.is_waiting:
        return
    content = write_content(approval)
    channels = open_channels(find_answerers(approval)) + open_group_channels(approval)
    write_notifications(channels, Notification.Kind.WAITS, content, approval=approval)
    _announce_fallen(approval, channels)
    if approval.obstacle:
        staff = open_channels(find_staff())
        write_notifications(staff, Notification.Kind.OBSTRUCTED, content, approval=approval)


def describe_again(*, approval: Approval, **_: Any) -> None:
    """Put a question that came after its pause into what has not been sent."""
    unsent = approval.notifications.filter(outcome=Notification.Outcome.WAITING)
    content = write_content(approval)
    says_more = Q(comment__isnull=False) | Q(kind=Notification.Kind.WAITS, step__gt=0)
    unsent.exclude(says_more).update(content=content)
    for row in unsent.filter(says_more):
        unsent.filter(pk=row.pk).update(content={**row.content, **content})


def _announce_fallen(approval: Approval, channels: Sequence[Channel]) -> None:
    """Tell whoever may answer again after their vote has fallen, once for each time."""
    fallen = approval.votes.exclude(voided_because__in=["", TAKEN_BACK, REPLACED])
    words: dict[int | None, list[str]] = {}
    for reviewer, because in fallen.order_by("voided_at").values_list("reviewer", "voided_because"):
        words.setdefault(reviewer, []).append(because)
    if not words:
        return
    told = approval.notifications.filter(kind=Notification.Kind.WAITS)
    sent = told.filter(outcome=Notification.Outcome.SENT).values_list("channel", flat=True)
    unsent = told.filter(outcome=Notification.Outcome.WAITING).values_list("channel", flat=True)
    again = {*sent} - {*unsent}
    for channel in channels:
        if channel.user_id in words and channel.pk in again:
            said = words[channel.user_id]
            content = write_fallen(approval, because=said[-1])
            kind, times = Notification.Kind.WAITS, len(said)
            write_notifications([channel], kind, content, approval=approval, step=times)


def announce_end(*, approval: Approval, **_: Any) -> None:
    """Tell the requester how it ended, in their thread those who were asked, staff of overrides."""
    if not kinds_in_use():
        return
    requesters = open_channels(_others(find_requesters(approval), approval))
    told = {channel.pk for channel in requesters}
    actor = Actor.parse(approval.closed_by)
    asked = [
        channel
        for channel in find_asked(approval)
        if _is_edited(channel) or not (channel.pk in told or _is(actor, channel.user))
    ]
    write_notifications(
        requesters,
        Notification.Kind.OUTCOME,
        write_ending(approval, with_reason=True),
        approval=approval,
    )
    write_notifications(asked, Notification.Kind.ENDED, write_ending(approval), approval=approval)
    _announce_override(approval)


def _announce_override(approval: Approval) -> None:
    """Tell the staff of a decision against the policy, with its reason."""
    decision = Decision.objects.filter(approval=approval, overrode=True).first()
    if decision is not None:
        write_notifications(
            open_channels(_others(find_staff(), approval)),
            Notification.Kind.OVERRIDDEN,
            write_ending(approval, with_reason=True),
            approval=approval,
        )


def announce_dead(notification: Notification) -> None:
    """Tell the staff, once for an approval, that somebody could not be told of it."""
    approval = notification.approval
    if approval is None or notification.kind == Notification.Kind.UNDELIVERED:
        return
    user = notification.channel.user
    staff = find_staff().exclude(pk=user.pk) if user else find_staff()
    content = write_content(approval)
    write_notifications(
        open_channels(staff), Notification.Kind.UNDELIVERED, content, approval=approval
    )


def tell_staff(content: dict[str, Any]) -> None:
    """Tell the staff of a webhook that is switched off."""
    if not kinds_in_use():
        return
    now = datetime.now(UTC)
    Notification.objects.bulk_create(
        Notification(
            channel=channel,
            kind=Notification.Kind.UNDELIVERED,
            content=content,
            created_at=now,
            next_try_at=now + GRACE,
        )
        for channel in open_channels(find_staff())
    )


def send_test(user: User) -> list[Notification]:
    """Write a message to oneself, wherever one is told, that goes out at the next round."""
    channels = open_channels(User.objects.filter(pk=user.pk))
    return [write_at_once(channel, Notification.Kind.TEST) for channel in channels]


def write_at_once(
    channel: Channel, kind: Notification.Kind, content: dict[str, Any] | None = None
) -> Notification:
    """Write a message of no approval that goes out at the next round."""
    now = datetime.now(UTC)
    return Notification.objects.create(
        channel=channel, kind=kind, content=content or {}, created_at=now, next_try_at=now
    )


def write_notifications(
    channels: Sequence[Channel],
    kind: Notification.Kind,
    content: dict[str, Any],
    *,
    approval: Approval,
    step: int = 0,
) -> None:
    """Write one row for each channel that has none for this approval, kind and step.

    A row that was skipped waits again: what it says has come true once more.
    """
    now = datetime.now(UTC)
    skipped = approval.notifications.filter(kind=kind, step=step, channel__in=channels)
    skipped.filter(outcome=Notification.Outcome.SKIPPED).update(
        outcome=Notification.Outcome.WAITING, next_try_at=now + GRACE, ended_at=None, why=""
    )
    rows = [
        Notification(
            approval=approval,
            channel=channel,
            kind=kind,
            content=content,
            step=step,
            created_at=now,
            next_try_at=now + GRACE,
        )
        for channel in channels
    ]
    Notification.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)


def _others(people: QuerySet[User], approval: Approval) -> QuerySet[User]:
    """Leave out who ended an approval: they know."""
    actor = Actor.parse(approval.closed_by)
    return people.exclude(username=actor.name) if actor.kind is ActorKind.REVIEWER else people


def _is_edited(channel: Channel) -> bool:
    """Whether a message there is changed when its approval ends, whoever ended it."""
    return channel.kind == Channel.Kind.SLACK


def _is(actor: Actor, user: User | None) -> bool:
    return (
        user is not None and actor.kind is ActorKind.REVIEWER and actor.name == user.get_username()
    )
