"""Reminders: never a second request, only more of a message that has arrived."""

from datetime import UTC, datetime, timedelta
from typing import Any

from approvals.messages.content import write_content
from approvals.messages.recipients import (
    find_answerers,
    kinds_in_use,
    open_channels,
    open_group_channels,
)
from approvals.models import Approval, Notification, Step

# What is answered at once stays silent, and what comes in a burst comes as one message.
GRACE = timedelta(seconds=10)
_KINDS = (Notification.Kind.REMINDER, Notification.Kind.LAST_CALL)
_LATER = "A later one says it."
Outcome = Notification.Outcome


def announce_reminder(*, approval: Approval, step: Step, **_: Any) -> None:
    """Remind those who were told that an approval waits for them, and have not answered.

    Who has not been told yet, because of their working hours, is told once, by the first message.
    """
    if not kinds_in_use() or not approval.is_waiting:
        return
    arrived = approval.notifications.filter(kind=Notification.Kind.WAITS, outcome=Outcome.SENT)
    told = set(arrived.values_list("channel", flat=True))
    asked = open_channels(find_answerers(approval)) + open_group_channels(approval)
    channels = [channel for channel in asked if channel.pk in told]
    now = datetime.now(UTC)
    is_last = step.kind == Step.Kind.LAST_CALL
    unsent = approval.notifications.filter(kind__in=_KINDS, outcome=Outcome.WAITING)
    unsent.filter(channel__in=channels).update(outcome=Outcome.SKIPPED, ended_at=now, why=_LATER)
    Notification.objects.bulk_create(
        [
            Notification(
                approval=approval,
                channel=channel,
                kind=_KINDS[is_last],
                content=write_content(approval),
                step=step.pk,
                created_at=now,
                next_try_at=now + GRACE,
            )
            for channel in channels
        ],
        ignore_conflicts=True,
    )
