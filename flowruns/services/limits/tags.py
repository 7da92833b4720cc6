"""Limits of tasks by their tags, as older clients ask for them: limits named `tag:…` (Prefect 3.9).

Who takes a slot so does not renew it: it is kept until it is given back or the limit is reset.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from flowruns.domain.errors import ConcurrencyLimitNotFound, SlotsTaken
from flowruns.models import ConcurrencyLimit, SlotLease
from flowruns.services.limits import concurrency
from flowruns.services.lookups import one
from flowruns.wire import tag_limits as wire
from flowruns.wire.concurrency import (
    LeaseHolder,
    LeaseRequest,
    LimitCreate,
    LimitUpdate,
    LimitWindow,
)

_PREFIX = "tag:"
_HOLDER = "task_run"


def set_tag_limit(limit: wire.TagLimitCreate) -> tuple[ConcurrencyLimit, bool]:
    """Make the limit of a tag, or change the one that there is; return it, and whether it is new.

    Raises `ConcurrencyLimitExists` if it came about in the meantime.
    """
    name = f"{_PREFIX}{limit.tag}"
    with transaction.atomic():
        is_new = not ConcurrencyLimit.objects.filter(name=name).exists()
        if is_new:
            # Not validated: a tag may hold what the name of a limit may not, such as a slash
            new = LimitCreate.model_construct(name=name, limit=limit.concurrency_limit)
            concurrency.create_limit(new)
        else:
            concurrency.update_limit(name, LimitUpdate(limit=limit.concurrency_limit))
        return read_tag_limit(limit.tag), is_new


def read_tag_limit(id_or_tag: UUID | str) -> ConcurrencyLimit:
    """Return the limit with its leases; raises `ConcurrencyLimitNotFound`."""
    by = {"pk": id_or_tag} if isinstance(id_or_tag, UUID) else {"name": f"{_PREFIX}{id_or_tag}"}
    return one(
        _limits_of_tags().filter(**by), ConcurrencyLimitNotFound("Concurrency limit not found")
    )


def read_tag_limits(window: LimitWindow) -> list[ConcurrencyLimit]:
    """Return limits of tags with their leases, by tag."""
    return list(_limits_of_tags()[window.offset : window.offset + window.limit])


def reset_tag_limit(tag: str, *, task_run_ids: Sequence[UUID] = ()) -> None:
    """Take all slots back, and give them to these tasks; raises `ConcurrencyLimitNotFound`."""
    with transaction.atomic():
        limit = read_tag_limit(tag)
        limit.leases.all().delete()
        concurrency.update_limit(limit.name, LimitUpdate(active_slots=0))
        for task_run_id in task_run_ids:
            lease = SlotLease.objects.create(holder_type=_HOLDER, holder_id=task_run_id)
            lease.limits.add(limit)


def delete_tag_limit(id_or_tag: UUID | str) -> None:
    """Delete it; raises `ConcurrencyLimitNotFound`."""
    concurrency.delete_limit(read_tag_limit(id_or_tag).name)


def take_tag_slots(slots: wire.TagSlots) -> list[ConcurrencyLimit]:
    """Take a slot of each tag that has a limit, or of none; raises `SlotsTaken`.

    A limit of 0 never has one, so nobody is told when to ask again.
    """
    names = _names(slots)
    with transaction.atomic():
        closed = ConcurrencyLimit.objects.filter(name__in=names, limit=0).first()
        if closed is not None:
            reason = "is 0 and will deadlock if the task tries to run again."
            told = f'The concurrency limit on tag "{tag_of(closed)}" {reason}'
            raise SlotsTaken(told, retry_after=None)
        holder = LeaseHolder(type=_HOLDER, id=slots.task_run_id)
        acquired = _acquire(LeaseRequest(names=names, slots=1, holder=holder))
        SlotLease.objects.filter(pk=acquired.lease.pk).update(expires_at=None)
        return acquired.limits


def _acquire(request: LeaseRequest) -> concurrency.Acquired:
    """Take slots; raises `SlotsTaken` with the words of Prefect 3.9 for tags."""
    try:
        return concurrency.acquire_with_lease(request)
    except SlotsTaken as taken:
        told = f"Concurrency limit for the {taken.name.removeprefix(_PREFIX)} tag has been reached"
        raise SlotsTaken(told, name=taken.name, retry_after=taken.retry_after) from None


def give_back_tag_slots(slots: wire.TagSlots) -> list[ConcurrencyLimit]:
    """Give back what a task holds of these tags; one that holds none is not an error."""
    limits = list(ConcurrencyLimit.objects.filter(name__in=_names(slots)))
    SlotLease.objects.filter(limits__in=limits, holder_id=slots.task_run_id).delete()
    return limits


def tag_of(limit: ConcurrencyLimit) -> str:
    return limit.name.removeprefix(_PREFIX)


def present_tag_limit(limit: ConcurrencyLimit) -> wire.TagLimit:
    now = datetime.now(UTC)
    held = [lease for lease in limit.leases.all() if concurrency.is_live(lease, now)]
    return wire.TagLimit(
        id=limit.pk,
        created=limit.created,
        updated=limit.updated,
        tag=tag_of(limit),
        concurrency_limit=limit.limit,
        active_slots=[
            lease.holder_id for lease in held if lease.holder_id and lease.holder_type == _HOLDER
        ],
    )


def _limits_of_tags() -> QuerySet[ConcurrencyLimit]:
    limits = ConcurrencyLimit.objects.filter(name__begins_with=_PREFIX)
    return limits.order_by("name").prefetch_related("leases")


def _names(slots: wire.TagSlots) -> list[str]:
    return [f"{_PREFIX}{tag}" for tag in slots.names]
