"""What the loops that deliver share: leases, what is due in order, and pauses between tries."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import batched
from uuid import UUID

from django.db.models import Q, QuerySet

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


def hold_back[M: (Notification, WebhookDelivery)](waiting: QuerySet[M], now: datetime) -> None:
    """Put off what is due behind an earlier row of its approval until that one is tried again.

    Nothing overtakes what is still to be tried; and what cannot go out yet is not looked at in
    each round, in the place of what others wait for.
    """
    until: dict[UUID, datetime] = {}
    held: dict[datetime, list[UUID]] = {}
    rows = waiting.filter(approval__isnull=False).order_by("id")
    for key, approval, moment in rows.values_list("id", "approval", "next_try_at"):
        if moment > now:
            until[approval] = max(moment, until.get(approval, moment))
        elif approval in until:
            held.setdefault(until[approval], []).append(key)
    for moment, keys in held.items():
        for some in batched(keys, _MOST):
            waiting.filter(pk__in=some).update(next_try_at=moment)


def read_due[M: (Notification, WebhookDelivery)](waiting: QuerySet[M], now: datetime) -> list[M]:
    """Return what is due, in order, however much else waits for a later moment."""
    due = waiting.filter(next_try_at__lte=now)
    return list(due.select_related("approval").order_by("id")[:_MOST])


def find_pause(
    backoff: Sequence[timedelta], tries: int, *, jitter: float, at_least: timedelta
) -> timedelta:
    """Return how long to wait after so many tries; `jitter` is the share that it may be longer."""
    spread = 1 + _random.uniform(0, jitter)
    return max(backoff[tries] * spread, at_least)
