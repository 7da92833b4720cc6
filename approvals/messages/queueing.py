"""What the loops that deliver share: leases, what is due in order, and pauses between tries."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from approvals.models import Notification, WebhookDelivery

# Longer than all the time-outs of one message together: a mail has many steps.
LEASE = timedelta(minutes=3)
# And of one request.
SHORT_LEASE = timedelta(seconds=90)
_MOST = 200  # in one message
_random = random.SystemRandom()


def is_free(now: datetime) -> Q:
    """Choose what nobody has a lease of."""
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)


def leave_out_held[M: (Notification, WebhookDelivery)](
    waiting: QuerySet[M], until: datetime | F, *, to: str
) -> QuerySet[M]:
    """Leave out what an earlier row of its approval holds back past a moment.

    Nothing overtakes what is still to be tried; `to` is the field that says where both go.
    """
    earlier = waiting.filter(
        approval=OuterRef("approval"),
        id__lt=OuterRef("id"),
        next_try_at__gt=until,
        **{to: OuterRef(to)},
    )
    return waiting.exclude(Exists(earlier))


def read_due[M: (Notification, WebhookDelivery)](
    waiting: QuerySet[M], now: datetime, *, to: str
) -> list[M]:
    """Return what is due, in order, however much else waits for a later moment."""
    due = leave_out_held(waiting, now, to=to).filter(next_try_at__lte=now)
    return list(due.select_related("approval").order_by("id")[:_MOST])


def find_pause(
    backoff: Sequence[timedelta], tries: int, *, jitter: float, at_least: timedelta
) -> timedelta:
    """Return how long to wait after so many tries; `jitter` is the share that it may be longer."""
    spread = 1 + _random.uniform(0, jitter)
    return max(backoff[tries] * spread, at_least)
