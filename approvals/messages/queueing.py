"""What the loops that deliver share: leases, what is due in order, and pauses between tries."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from approvals.models import Notification, WebhookDelivery

# Longer than all the time-outs of one message together: a mail has many steps.
LEASE = timedelta(minutes=3)
# And of one request.
SHORT_LEASE = timedelta(seconds=90)
_LOOKED_AT = 200
_random = random.SystemRandom()


def is_free(now: datetime) -> Q:
    """Choose what nobody has a lease of."""
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)


def read_due[M: (Notification, WebhookDelivery)](waiting: QuerySet[M], now: datetime) -> list[M]:
    """Return what is due, in order: of an approval nothing overtakes what is still to be tried."""
    held, due = set(), []
    for row in waiting.select_related("approval").order_by("id")[:_LOOKED_AT]:
        if row.next_try_at > now:
            held.add(row.approval_id)
        elif row.approval_id is None or row.approval_id not in held:
            due.append(row)
    return due


def find_pause(
    backoff: Sequence[timedelta], tries: int, *, jitter: float, at_least: timedelta
) -> timedelta:
    """Return how long to wait after so many tries; `jitter` is the share that it may be longer."""
    spread = 1 + _random.uniform(0, jitter)
    return max(backoff[tries] * spread, at_least)
