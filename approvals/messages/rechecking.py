"""Whether a message still holds when it is sent: it waits, and this person may see it."""

from collections.abc import Sequence
from uuid import UUID

from approvals.messages.commenting import object_to_comment
from approvals.messages.recipients import (
    concerns,
    find_staff,
    is_reachable,
    kinds_in_use,
)
from approvals.models import Approval, Channel, Notification, Step
from approvals.services.inbox import list_waiting, visible_to

Kind = Notification.Kind
_NAMES = {**dict(Channel.Kind.choices), Channel.Kind.EMAIL: "e-mail"}
_UNREACHED = "Their account is closed or has no e-mail address."
_UNUSED = "This server does not send there any more."
_OFF = "They have turned {kind} off."
_OVER = "It has ended."
_UNSEEN = "They may not see it."
_NOT_THEIRS = "It does not wait for them any more."
_UNTOLD = "They were not told that it waited."
_ASKED = "Whoever asked for the run is to reply first."
_MOVED = "It has more time now, and another last call."
_SOLVED = "Somebody can answer it now."
_NO_STAFF = "They are no longer staff."


def find_objections(channel: Channel, rows: Sequence[Notification]) -> dict[UUID, str]:
    """Return why rows are not to be sent to a channel, for those that are not."""
    if channel.user is None:
        return find_objections_of_group(channel, rows)
    approvals = {row.approval_id for row in rows if row.approval_id}
    seen = set(visible_to(channel.user).filter(pk__in=approvals).values_list("pk", flat=True))
    mine = set(list_waiting(channel.user).filter(pk__in=approvals).values_list("pk", flat=True))
    objections: dict[UUID, str] = {}
    for row in rows:
        why = _object_to_channel(channel, row) or (
            _object(row, seen=seen, mine=mine) if row.approval else _object_to_stranger(row)
        )
        if why:
            objections[row.pk] = why
    return objections


def find_objections_of_group(channel: Channel, rows: Sequence[Notification]) -> dict[UUID, str]:
    """Return the same for the channel of many: it hears what it was told of, and nothing hidden."""
    found = {
        row.pk: _object_to_channel(channel, row) or _object_for_many(channel, row) for row in rows
    }
    return {key: why for key, why in found.items() if why}


def _object_for_many(channel: Channel, row: Notification) -> str:
    approval = row.approval
    if approval is None:
        return ""
    if approval.is_hidden:
        return _UNSEEN
    if row.kind == Kind.ENDED:
        return "" if _was_asked(row) else _UNTOLD
    if not approval.is_waiting:
        return _OVER
    if _is_of_old_deadline(row, approval):
        return _MOVED
    return "" if concerns(channel, approval) else _NOT_THEIRS


def _object_to_channel(channel: Channel, row: Notification) -> str:
    if channel.kind not in kinds_in_use():
        return _UNUSED
    user = channel.user
    if row.kind == Kind.CODE:
        return "" if user and user.is_active else _UNREACHED
    if user is not None and not is_reachable(channel, user):
        return _UNREACHED
    is_asked_for = row.kind == Kind.TEST
    return "" if channel.is_on or is_asked_for else _OFF.format(kind=_NAMES[channel.kind])


def _object_to_stranger(row: Notification) -> str:
    is_for_staff = row.kind == Kind.UNDELIVERED
    user = row.channel.user
    return _NO_STAFF if is_for_staff and not (user and user.is_staff) else ""


def _object(row: Notification, *, seen: set[UUID], mine: set[UUID]) -> str:
    approval = row.approval
    if approval is None or approval.pk not in seen:
        return _UNSEEN
    if row.comment is not None:
        return object_to_comment(row, row.comment, approval)
    if row.kind in {Kind.ENDED, Kind.OUTCOME}:
        return _UNTOLD if row.kind == Kind.ENDED and not _was_asked(row) else ""
    if not approval.is_waiting and row.kind != Kind.OVERRIDDEN:
        return _OVER
    if row.kind in {Kind.WAITS, Kind.REMINDER, Kind.LAST_CALL}:
        return _object_to_asking(row, approval, mine=mine)
    return _object_for_staff(row, approval)


def _object_to_asking(row: Notification, approval: Approval, *, mine: set[UUID]) -> str:
    if row.kind == Kind.REMINDER and approval.asked_requester_at:
        return _ASKED
    if _is_of_old_deadline(row, approval):
        return _MOVED
    return "" if approval.pk in mine else _NOT_THEIRS


def _is_of_old_deadline(row: Notification, approval: Approval) -> bool:
    """Whether a last call is not the last any more: another is to come, for there is more time."""
    later = approval.steps.filter(kind=Step.Kind.LAST_CALL, taken_at__isnull=True)
    return row.kind == Kind.LAST_CALL and later.exists()


def _object_for_staff(row: Notification, approval: Approval) -> str:
    user = row.channel.user
    if user is None or not find_staff().filter(pk=user.pk).exists():
        return _NO_STAFF
    return _SOLVED if row.kind == Kind.OBSTRUCTED and not approval.obstacle else ""


def _was_asked(row: Notification) -> bool:
    return Notification.objects.filter(
        approval=row.approval_id,
        channel=row.channel_id,
        kind=Kind.WAITS,
        outcome=Notification.Outcome.SENT,
    ).exists()
