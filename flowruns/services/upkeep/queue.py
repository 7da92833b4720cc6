"""Calling the run that has waited longest when a slot becomes free."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flowruns.domain.actors import server
from flowruns.domain.states import AWAITING_SLOT, State, StateType, awaiting_slot
from flowruns.models import FlowRun
from flowruns.services.runs.states import replace_state
from flowruns.signals import StateChange, flow_run_state_changed

_QUEUE = server("queue")


def connect() -> None:
    """Start to call runs, in the transactions in which slots are given back."""
    flow_run_state_changed.connect(call_next, dispatch_uid="flowruns.call_next")


def call_next(*, change: StateChange, run: FlowRun, **_: Any) -> None:
    """Let the next run ask for the slot that this one leaves, rather than after its wait.

    Prefect 3.9 leaves it to its next attempt, up to 30 seconds later.
    """
    limit_id = run.deployment.concurrency_limit_id if run.deployment else None
    if limit_id is None or not _leaves_its_slot(change.before, change.after):
        return
    waiting = FlowRun.objects.filter(
        state_type=StateType.SCHEDULED,
        state_name=AWAITING_SLOT,
        deployment__concurrency_limit=limit_id,
    ).order_by("expected_start_time", "id")
    first = waiting.exclude(pk=run.pk).values_list("pk", "state_id").first()
    if first is not None:
        _call(*first)


def _call(flow_run_id: UUID, state_id: UUID | None) -> None:
    proposed = awaiting_slot(at=datetime.now(UTC))
    replace_state(flow_run_id, proposed=proposed, actor=_QUEUE, known_state_id=state_id)


def _leaves_its_slot(before: State | None, after: State | None) -> bool:
    if before is None or before.is_terminal or before.type is StateType.SCHEDULED:
        return False
    return after is None or after.is_terminal or after.is_suspended
