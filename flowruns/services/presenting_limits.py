"""Concurrency limits as Prefect's REST API shows them."""

from typing import Any

from flowruns.models import ConcurrencyLimit
from flowruns.services.concurrency import count_active
from flowruns.wire.concurrency import GlobalConcurrencyLimit, NewConcurrencyLimit


def present_limit(limit: ConcurrencyLimit) -> GlobalConcurrencyLimit:
    return GlobalConcurrencyLimit.model_validate(_fields(limit))


def present_new_limit(limit: ConcurrencyLimit) -> NewConcurrencyLimit:
    return NewConcurrencyLimit.model_validate(_fields(limit))


def _fields(limit: ConcurrencyLimit) -> dict[str, Any]:
    names = ("created", "updated", "active", "name", "limit", "slot_decay_per_second")
    fields = {name: getattr(limit, name) for name in names}
    return fields | {"id": limit.pk, "active_slots": count_active(limit)}
