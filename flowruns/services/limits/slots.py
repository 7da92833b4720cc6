"""Slots of deployments' concurrency limits, as runs take them and give them back.

A run takes its slot in the transaction that lets it start, by compare-and-set on the limit, and
gives it back in the one that ends it: the lease belongs to the run and goes with it. The lease
of a run that starts ends after a time of grace. Once it runs, its process renews the lease;
one that never does (such as Prefect's before 3.4.11) holds it until the run's end. A blocking
pause keeps it without an end of its own, because the pause has one.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flowruns.domain.bookkeeping import occupies_slot
from flowruns.domain.states import State, StateType
from flowruns.domain.transitions import RunFacts, SlotFacts, Transition
from flowruns.models import ConcurrencyLimit, FlowRun, SlotLease
from flowruns.services.limits.concurrency import claim, count_free, is_live

# As Prefect 3.9: how long after its submission a run may start, unless its deployment says.
GRACE_SECONDS = 300

_LEASE_ID = "deployment_concurrency_lease_id"


class SlotLost(Exception):
    """Somebody else took the slot since the run was judged."""


def read_facts(run: FlowRun) -> RunFacts:
    """Return what the rules know of the run, with its deployment's limit as it is now."""
    limit = _limit_of(run)
    if limit is None:
        return run.facts
    is_held = is_live(lease_of(run), datetime.now(UTC))
    slot = SlotFacts(
        limit=limit.limit,
        is_free=not is_held and count_free(limit) >= 1,
        is_held=is_held,
        cancels_new=_option(run, "collision_strategy") == "CANCEL_NEW",
    )
    return replace(run.facts, slot=slot)


def take_slot(run: FlowRun, t: Transition, written: State) -> SlotLease | None:
    """Take a slot for a run that starts and has none, or raise `SlotLost`."""
    slot, limit = t.run.slot, _limit_of(run)
    if slot is None or limit is None or slot.is_held or not slot.is_free:
        return None
    if written.type not in {StateType.PENDING, StateType.RUNNING}:
        return None
    if not claim(limit):
        raise SlotLost
    SlotLease.objects.filter(flow_run=run).delete()  # one that has expired
    lease = SlotLease(flow_run=run, holder_type="flow_run", holder_id=run.pk)
    lease.expires_at = _expiry(run, lease, written)
    lease.save(force_insert=True)
    lease.limits.add(limit)
    return lease


def settle_slot(run: FlowRun, t: Transition, written: State) -> None:
    """Keep the slot that the run holds for as long as its new state needs it, or give it back."""
    lease = lease_of(run)
    if lease is None:
        return
    if not occupies_slot(t, written):
        lease.delete()
    elif is_live(lease, written.timestamp):
        expires_at = _expiry(run, lease, written)
        SlotLease.objects.filter(pk=lease.pk).update(expires_at=expires_at)


def name_lease(state: State, lease: SlotLease | None) -> State:
    """Tell the process of a run which lease to renew; what a client says of it is dropped."""
    if lease is None and _LEASE_ID not in state.details.extra:
        return state
    extra = {name: value for name, value in state.details.extra.items() if name != _LEASE_ID}
    if lease is not None and state.type in {StateType.PENDING, StateType.RUNNING}:
        extra[_LEASE_ID] = str(lease.pk)
    return replace(state, details=replace(state.details, extra=extra))


def lease_of(run: FlowRun) -> SlotLease | None:
    lease: SlotLease | None = None if run.is_new else getattr(run, "slot_lease", None)
    return lease


def _limit_of(run: FlowRun) -> ConcurrencyLimit | None:
    limit = run.deployment.concurrency_limit if run.deployment else None
    return limit if limit is not None and limit.active else None


def _expiry(run: FlowRun, lease: SlotLease, written: State) -> datetime | None:
    if written.type is StateType.PENDING:
        seconds = _option(run, "grace_period_seconds") or GRACE_SECONDS
    elif written.type is StateType.PAUSED:
        return None
    else:
        seconds = lease.renewed_for
    return datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None


def _option(run: FlowRun, name: str) -> Any:
    options = run.deployment.concurrency_options if run.deployment else None
    return (options or {}).get(name)
