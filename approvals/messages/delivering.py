"""Loops that empty the outbox: at least once, in order, and never what no longer holds.

One process at a time sends to a channel: it holds a lease that the next one takes by
compare-and-set when it is over, so that a process which was killed loses nothing and at most
repeats the one message that was on its way.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, QuerySet

from approvals.messages.announcing import announce_dead
from approvals.messages.email import send_mail
from approvals.messages.posts import send_apprise, send_teams
from approvals.messages.push import send_push
from approvals.messages.queueing import (
    LEASE,
    SHORT_LEASE,
    find_pause,
    hold_back,
    is_free,
    read_due,
)
from approvals.messages.rechecking import find_objections
from approvals.messages.recipients import kinds_in_use
from approvals.messages.slack import send_slack
from approvals.messages.timing import find_moment, is_quiet, utc_now
from approvals.messages.verdicts import Dead, Later, SendVerdict, Sent
from approvals.models import Channel, Notification, WebhookDelivery
from flowruns.domain.errors import EncryptionKeyChanged

# Before the second, third, … try; after the last one a message is dead.
BACKOFF = tuple(timedelta(seconds=each) for each in (5, 60, 300, 1_800, 7_200))
_JITTER = 0.2
_SLOW = {Channel.Kind.EMAIL, Channel.Kind.APPRISE}  # with many time-outs in one message
_CHANNELS = 20  # looked at in one round
_KEPT = timedelta(days=90)
_BATCH = 1_000

type Send = Callable[[Channel, Sequence[Notification]], SendVerdict]
type Clock = Callable[[], datetime]
Outcome = Notification.Outcome


def deliver_mail() -> int:
    """Do a round of mail; returns how many messages went out."""
    return deliver_due(Channel.Kind.EMAIL, send=send_mail)


def deliver_slack() -> int:
    """Do a round of Slack, of its own: a mail server that hangs holds up nothing here."""
    return deliver_due(Channel.Kind.SLACK, send=send_slack)


def deliver_push() -> int:
    """Do a round of browsers."""
    return deliver_due(Channel.Kind.PUSH, send=send_push)


def deliver_teams() -> int:
    """Do a round of Teams workflows."""
    return deliver_due(Channel.Kind.TEAMS, send=send_teams)


def deliver_apprise() -> int:
    """Do a round of what goes out by Apprise."""
    return deliver_due(Channel.Kind.APPRISE, send=send_apprise)


def deliver_due(kind: Channel.Kind, *, send: Send, clock: Clock = utc_now) -> int:
    """Send what is due on channels of one kind, one message a channel; an outage ends the round."""
    sent = 0
    if kind not in kinds_in_use():
        return sent
    span = LEASE if kind in _SLOW else SHORT_LEASE
    for channel_id in _list_due(kind, clock()):
        lease = claim_channel(channel_id, span=span, clock=clock)
        if lease is None:
            continue
        verdict = _deliver(Channel.objects.select_related("user").get(pk=channel_id), send, clock)
        Channel.objects.filter(pk=channel_id, claimed_until=lease).update(claimed_until=None)
        sent += isinstance(verdict, Sent)
        if isinstance(verdict, Later) and verdict.is_outage:
            break
    return sent


def claim_channel(
    channel_id: int, *, span: timedelta = LEASE, clock: Clock = utc_now
) -> datetime | None:
    """Take the lease of a channel that nobody sends to; None where another was faster."""
    now = clock()
    free = Channel.objects.filter(is_free(now), pk=channel_id)
    return now + span if free.update(claimed_until=now + span) else None


def send_again(notifications: QuerySet[Notification]) -> int:
    """Have those that are dead tried anew; returns how many were."""
    return notifications.filter(outcome=Outcome.DEAD).update(
        outcome=Outcome.WAITING, tries=0, next_try_at=utc_now(), ended_at=None, why=""
    )


def drop_old_messages() -> int:
    """Delete what was sent, skipped or dead long ago; what waits is kept."""
    dropped = 0
    for rows in (Notification.objects.all(), WebhookDelivery.objects.all()):
        old = rows.filter(ended_at__lt=utc_now() - _KEPT).exclude(outcome=Outcome.WAITING)
        dropped += rows.filter(pk__in=list(old.values_list("pk", flat=True)[:_BATCH])).delete()[0]
    return dropped


def _list_due(kind: Channel.Kind, now: datetime) -> list[int]:
    """Return channels that have something to send and no sender, who waits longest first."""
    free = Channel.objects.filter(is_free(now), kind=kind)
    due = Notification.objects.filter(outcome=Outcome.WAITING, next_try_at__lte=now)
    by_channel = due.filter(channel__in=free).values("channel").annotate(since=Min("next_try_at"))
    return list(by_channel.order_by("since").values_list("channel", flat=True)[:_CHANNELS])


def _deliver(channel: Channel, send: Send, clock: Clock) -> SendVerdict | None:
    """Tell all that is due on a channel in one message; None where nothing is to be told now."""
    waiting = channel.notifications.filter(outcome=Outcome.WAITING)
    hold_back(waiting, clock())
    rows = _edits_first(channel, _skip_untrue(channel, read_due(waiting, clock()), clock))
    if not rows:
        return None
    moment = find_moment(channel, rows, now=clock())
    if moment > clock():
        _rows(rows).update(next_try_at=moment)
        return None
    verdict = _try(send, channel, rows)
    _keep(verdict, channel, rows, clock)
    return verdict


def _edits_first(channel: Channel, rows: list[Notification]) -> list[Notification]:
    """Leave out what is news as long as there is something that disturbs nobody.

    A code goes out alone, to whom it is for.
    """
    codes = [row for row in rows if row.kind == Notification.Kind.CODE][:1]
    return codes or [row for row in rows if is_quiet(channel, [row])] or rows


def _skip_untrue(
    channel: Channel, rows: Sequence[Notification], clock: Clock
) -> list[Notification]:
    """End the rows that no longer hold, and return the others."""
    objections = find_objections(channel, rows)
    for row in rows:
        if why := objections.get(row.pk):
            _rows([row]).update(outcome=Outcome.SKIPPED, ended_at=clock(), why=why)
    return [row for row in rows if row.pk not in objections]


def _try(send: Send, channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    try:
        return send(channel, rows)
    except EncryptionKeyChanged as error:
        return Later(why=str(error))
    except Exception as error:  # noqa: BLE001 -- a fault of one message holds up no other
        return Later(why=repr(error))


def _keep(
    verdict: SendVerdict, channel: Channel, rows: Sequence[Notification], clock: Clock
) -> None:
    now = clock()
    match verdict:
        case Sent(receipt):
            with transaction.atomic():
                _rows(rows).update(outcome=Outcome.SENT, ended_at=now, receipt=receipt, why="")
                # A test delays nothing that follows, nor does a message that is only changed
                if any(row.approval_id for row in rows) and not is_quiet(channel, rows):
                    Channel.objects.filter(pk=channel.pk).update(told_at=now)
        case Dead(why):
            _bury(rows, why, now)
        case Later():
            _put_off(verdict, rows, now)


def _put_off(verdict: Later, rows: Sequence[Notification], now: datetime) -> None:
    """Have each row tried again, later from time to time; after the last time it is dead."""
    for row in rows:
        if row.tries >= len(BACKOFF):
            _bury([row], verdict.why, now)
            continue
        least = timedelta(seconds=verdict.seconds)
        pause = find_pause(BACKOFF, row.tries, jitter=_JITTER, at_least=least)
        _rows([row]).update(tries=row.tries + 1, next_try_at=now + pause, why=verdict.why)


def _bury(rows: Sequence[Notification], why: str, now: datetime) -> None:
    """End rows that cannot be delivered, and tell the staff in the same transaction."""
    for row in rows:
        with transaction.atomic():
            ended = _rows([row]).update(
                outcome=Outcome.DEAD, tries=row.tries + 1, ended_at=now, why=why
            )
            if ended:
                announce_dead(row)


def _rows(rows: Sequence[Notification]) -> QuerySet[Notification]:
    """Choose those of the rows that still wait: another process may have ended them meanwhile."""
    keys = [row.pk for row in rows]
    return Notification.objects.filter(pk__in=keys, outcome=Outcome.WAITING)
