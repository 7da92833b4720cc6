"""Concurrency limits: kept by name, and their slots taken, renewed and given back.

Taking is compare-and-set on the limit's version: of two that want the last slot one gets it.
Slots with a lease are counted while the lease lasts, so a process that dies gives them back by
not renewing it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Sum

from flowruns.domain.errors import (
    ConcurrencyLimitExists,
    ConcurrencyLimitNotFound,
    LeaseExpired,
    SlotsTaken,
    TooManySlots,
)
from flowruns.domain.states import StateType
from flowruns.models import ConcurrencyLimit, FlowRun, SlotLease
from flowruns.services.lookups import one
from flowruns.wire import concurrency as wire

# How long to wait before asking again, where no decay says when slots are free.
RETRY_SECONDS = 2
_MAX_LOSSES = 50
_FOREVER = 86_400.0


@dataclass(frozen=True, slots=True)
class Acquired:
    """The limits of those names that exist, and the lease of their slots."""

    limits: list[ConcurrencyLimit]
    lease: SlotLease


def create_limit(limit: wire.LimitCreate) -> ConcurrencyLimit:
    """Store a limit; raises `ConcurrencyLimitExists`."""
    try:
        with transaction.atomic():
            return ConcurrencyLimit.objects.create(
                name=limit.name,
                limit=limit.limit,
                active=limit.active,
                loose_slots=limit.active_slots,
                slot_decay_per_second=limit.slot_decay_per_second,
            )
    except IntegrityError:
        raise ConcurrencyLimitExists from None


def read_limit(id_or_name: str) -> ConcurrencyLimit:
    """Return the limit; raises `ConcurrencyLimitNotFound`."""
    return one(_find(id_or_name), ConcurrencyLimitNotFound)


def read_limits(window: wire.LimitWindow) -> list[ConcurrencyLimit]:
    """Return limits by name."""
    limits = ConcurrencyLimit.objects.order_by("name")
    return list(limits[window.offset : window.offset + window.limit])


def update_limit(id_or_name: str, changes: wire.LimitUpdate) -> None:
    """Change what the client sent; `active_slots` sets how many are taken without a lease.

    Raises `ConcurrencyLimitNotFound` and `ConcurrencyLimitExists`.
    """
    sent = changes.model_dump(exclude_unset=True, exclude_none=True, exclude={"denied_slots"})
    now = datetime.now(UTC)
    try:
        with transaction.atomic():
            limit = read_limit(id_or_name)
            if "active_slots" in sent:
                loose = sent.pop("active_slots") - _count_leased(limit, now)
                sent |= {"loose_slots": max(0, loose), "counted_at": now}
            found = ConcurrencyLimit.objects.filter(pk=limit.pk)
            found.update(version=F("version") + 1, updated=now, **sent)
    except IntegrityError:
        raise ConcurrencyLimitExists from None


def delete_limit(id_or_name: str) -> None:
    """Delete it; raises `ConcurrencyLimitNotFound`."""
    deleted, _ = _find(id_or_name).delete()
    if not deleted:
        raise ConcurrencyLimitNotFound


def acquire_slots(
    names: Sequence[str], *, slots: int, mode: str = "concurrency"
) -> list[ConcurrencyLimit]:
    """Take slots of all limits of these names that exist, or of none.

    Raises `SlotsTaken`, and `TooManySlots` for what can never be had.
    """
    with transaction.atomic():
        limits = _read_to_acquire(names, slots=slots, mode=mode)
        for limit in limits:
            if limit.active:
                _take_slots(limit.pk, loose=slots, slots=slots)
        return limits


def acquire_with_lease(request: wire.LeaseRequest) -> Acquired:
    """Take slots until they are given back or the lease ends. Raises as `acquire_slots`.

    Slots of limits that decay come back by that alone.
    """
    now = datetime.now(UTC)
    with transaction.atomic():
        limits = _read_to_acquire(request.names, slots=request.slots, mode=request.mode)
        leased = []
        for limit in filter(lambda limit: limit.active, limits):
            decays = limit.slot_decay_per_second > 0
            _take_slots(limit.pk, loose=request.slots if decays else 0, slots=request.slots)
            leased += [] if decays else [limit]
        lease = SlotLease(
            slots=request.slots,
            expires_at=now + timedelta(seconds=request.lease_duration),
            holder_type=request.holder.type if request.holder else "",
            holder_id=request.holder.id if request.holder else None,
        )
        if leased:
            lease.save(force_insert=True)
            lease.limits.set(leased)
        return Acquired(limits, lease)


def release_slots(names: Sequence[str], *, slots: int) -> list[ConcurrencyLimit]:
    """Give back slots that were taken without a lease."""
    with transaction.atomic():
        limits = list(ConcurrencyLimit.objects.filter(name__in=names).order_by("pk"))
        for limit in limits:
            if limit.active:
                _take_slots(limit.pk, loose=-slots, slots=0)
        return limits


def release_lease(lease_id: UUID) -> None:
    """Give back what the lease holds; one that is gone is not an error (as Prefect 3.9)."""
    SlotLease.objects.filter(pk=lease_id).delete()


def renew_lease(lease_id: UUID, *, seconds: float) -> None:
    """Let a lease last that long from now; raises `LeaseExpired`.

    The lease of a paused run has no end while the pause lasts.
    """
    now = datetime.now(UTC)
    is_paused = FlowRun.objects.filter(slot_lease=lease_id, state_type=StateType.PAUSED).exists()
    expires_at = None if is_paused else now + timedelta(seconds=seconds)
    live = SlotLease.objects.filter(_lasting(now), pk=lease_id)
    if not live.update(expires_at=expires_at, renewed_for=seconds):
        raise LeaseExpired


def drop_expired_leases() -> int:
    """Delete leases that have ended and return how many; nobody counts them any more."""
    deleted, _ = SlotLease.objects.filter(expires_at__lt=datetime.now(UTC)).delete()
    return deleted


def claim(limit: ConcurrencyLimit) -> bool:
    """Have the limit to oneself until the transaction ends; False if it changed since read."""
    found = ConcurrencyLimit.objects.filter(pk=limit.pk, version=limit.version)
    return found.update(version=F("version") + 1) == 1


def count_free(limit: ConcurrencyLimit) -> float:
    now = datetime.now(UTC)
    return limit.limit - _count_leased(limit, now) - _count_loose(limit, now)


def count_active(limit: ConcurrencyLimit) -> int:
    """Return how many slots are taken now; part of one that decays counts as one."""
    return math.ceil(limit.limit - count_free(limit))


def is_live(lease: SlotLease | None, now: datetime) -> bool:
    return lease is not None and (lease.expires_at is None or lease.expires_at > now)


def _find(id_or_name: str) -> QuerySet[ConcurrencyLimit]:
    try:
        return ConcurrencyLimit.objects.filter(pk=UUID(id_or_name))
    except ValueError:
        return ConcurrencyLimit.objects.filter(name=id_or_name)


def _read_to_acquire(names: Sequence[str], *, slots: int, mode: str) -> list[ConcurrencyLimit]:
    # In one order for all, so that no two wait for each other
    limits = list(ConcurrencyLimit.objects.filter(name__in=names).order_by("pk"))
    active = [limit for limit in limits if limit.active]
    if any(limit.limit < slots for limit in active):
        raise TooManySlots
    steady = [limit.name for limit in active if limit.slot_decay_per_second == 0]
    if mode == "rate_limit" and steady:
        raise TooManySlots(
            "Only concurrency limits with slot decay can be used for rate limiting. The following"
            f" limits do not have a decay configured: {', '.join(map(repr, steady))}"
        )
    return limits


def _take_slots(limit_id: UUID, *, loose: int, slots: int) -> None:
    """Add to the loose slots of a limit if it has so many free."""
    for _ in range(_MAX_LOSSES):
        limit = ConcurrencyLimit.objects.get(pk=limit_id)
        if slots and count_free(limit) < slots:
            raise SlotsTaken(name=limit.name, retry_after=_retry_after(limit, slots))
        if claim(limit):
            now = datetime.now(UTC)
            taken = max(0.0, _count_loose(limit, now) + loose)
            found = ConcurrencyLimit.objects.filter(pk=limit_id)
            found.update(loose_slots=taken, counted_at=now)
            return
    raise SlotsTaken(retry_after=RETRY_SECONDS)


def _retry_after(limit: ConcurrencyLimit, slots: int) -> float:
    if limit.slot_decay_per_second == 0:
        return RETRY_SECONDS
    missing = slots - count_free(limit)
    return min(missing / limit.slot_decay_per_second, _FOREVER)


def _count_leased(limit: ConcurrencyLimit, now: datetime) -> int:
    leased: int | None = limit.leases.filter(_lasting(now)).aggregate(sum=Sum("slots"))["sum"]
    return leased or 0


def _count_loose(limit: ConcurrencyLimit, now: datetime) -> float:
    decayed = limit.slot_decay_per_second * (now - limit.counted_at).total_seconds()
    return max(0.0, limit.loose_slots - max(0.0, decayed))


def _lasting(now: datetime) -> Q:
    return Q(expires_at__isnull=True) | Q(expires_at__gt=now)
