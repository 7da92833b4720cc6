"""The task run that stands for a subflow in its parent follows the subflow's states."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flowruns.domain.errors import TaskRunNotFound
from flowruns.models import FlowRun
from flowruns.services.runs.task_runs import set_task_run_state
from flowruns.signals import StateChange, flow_run_state_changed


def connect() -> None:
    """Start to follow, in the transactions in which subflows change state."""
    flow_run_state_changed.connect(follow_subflow, dispatch_uid="flowruns.follow_subflow")


def follow_subflow(*, change: StateChange, run: FlowRun, **_: Any) -> None:
    """Give the parent's task run the state of its subflow (as Prefect 3.9)."""
    if change.after is None or run.parent_task_run_id is None:
        return
    details = change.after.details
    extra = {**details.extra, "child_flow_run_id": str(run.pk)}
    state = replace(
        change.after,
        id=uuid4(),
        timestamp=datetime.now(UTC),
        details=replace(details, extra=extra),
    )
    try:
        set_task_run_state(run.parent_task_run_id, proposed=state, force=True)
    except TaskRunNotFound:  # a parent that this server has never heard of
        return
