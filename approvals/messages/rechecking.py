"""Whether a message still holds when it is sent: it waits, and this person may see it."""

from collections.abc import Sequence
from uuid import UUID

from approvals.messages.recipients import find_staff
from approvals.models import Approval, Channel, Notification
from approvals.services.inbox import list_waiting, visible_to

Kind = Notification.Kind
_UNREACHED = "Their account is closed or has no e-mail address."
_OFF = "They have turned e-mail off."
_OVER = "It has ended."
_UNSEEN = "They may not see it."
_NOT_THEIRS = "It does not wait for them any more."
_UNTOLD = "They were not told that it waited."
_SOLVED = "Somebody can answer it now."
_NO_STAFF = "They are no longer staff."


def find_objections(channel: Channel, rows: Sequence[Notification]) -> dict[UUID, str]:
    """Return why rows are not to be sent to a channel, for those that are not."""
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


def _object_to_channel(channel: Channel, row: Notification) -> str:
    if not channel.user.is_active or not channel.user.email:
        return _UNREACHED
    return _OFF if not channel.is_on and row.kind != Kind.TEST else ""


def _object_to_stranger(row: Notification) -> str:
    is_for_staff = row.kind == Kind.UNDELIVERED
    return _NO_STAFF if is_for_staff and not row.channel.user.is_staff else ""


def _object(row: Notification, *, seen: set[UUID], mine: set[UUID]) -> str:
    approval = row.approval
    if approval is None or approval.pk not in seen:
        return _UNSEEN
    if row.kind == Kind.OVERRIDDEN:
        return _object_for_staff(row, approval)
    if row.kind in {Kind.ENDED, Kind.OUTCOME}:
        return _UNTOLD if row.kind == Kind.ENDED and not _was_asked(row) else ""
    if not approval.is_waiting:
        return _OVER
    if row.kind in {Kind.WAITS, Kind.REMINDER, Kind.LAST_CALL}:
        return "" if approval.pk in mine else _NOT_THEIRS
    return _object_for_staff(row, approval)


def _object_for_staff(row: Notification, approval: Approval) -> str:
    if not find_staff().filter(pk=row.channel.user_id).exists():
        return _NO_STAFF
    return _SOLVED if row.kind == Kind.OBSTRUCTED and not approval.obstacle else ""


def _was_asked(row: Notification) -> bool:
    return Notification.objects.filter(
        approval=row.approval_id,
        channel=row.channel_id,
        kind=Kind.WAITS,
        outcome=Notification.Outcome.SENT,
    ).exists()
