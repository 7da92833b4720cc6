"""What happened in a run, in the order of time: its states and its task runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce

from flowruns.domain.actors import Actor
from flowruns.domain.states import State
from flowruns.models import FlowRunState, TaskRun

type Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A state of the run itself, or a task run with its name, its state and how long it ran."""

    id: UUID
    moment: datetime
    state: State
    actor: Actor | None = None
    task_run_name: str = ""
    run_time: timedelta | None = None


def read_timeline(flow_run_id: UUID, *, before: Position | None, limit: int) -> list[Entry]:
    """Return the latest entries before a position, the latest first.

    A task run stands at the time at which it started, or was to start.
    """
    entries = _read_states(flow_run_id, before, limit) + _read_task_runs(flow_run_id, before, limit)
    return sorted(entries, key=lambda entry: (entry.moment, entry.id), reverse=True)[:limit]


def _read_states(flow_run_id: UUID, before: Position | None, limit: int) -> list[Entry]:
    states = FlowRunState.objects.filter(flow_run=flow_run_id).annotate(moment=F("timestamp"))
    return [
        Entry(id=row.id, moment=row.timestamp, state=row.to_domain(), actor=row.actor)
        for row in _latest(states, before, limit)
    ]


def _read_task_runs(flow_run_id: UUID, before: Position | None, limit: int) -> list[Entry]:
    moment = Coalesce("start_time", "expected_start_time", "created")
    task_runs = TaskRun.objects.filter(flow_run_id=flow_run_id, state_id__isnull=False)
    rows = task_runs.annotate(moment=moment).select_related("state")
    return [
        Entry(
            id=row.id,
            moment=row.start_time or row.expected_start_time or row.created,
            state=row.state.to_domain(),
            task_run_name=row.name,
            run_time=row.total_run_time if row.end_time else None,
        )
        for row in _latest(rows, before, limit)
        if row.state is not None
    ]


def _latest[Row: Model](rows: QuerySet[Row], before: Position | None, limit: int) -> QuerySet[Row]:
    if before is not None:
        moment, row_id = before
        rows = rows.filter(Q(moment__lt=moment) | Q(moment=moment, id__lt=row_id))
    return rows.order_by("-moment", "-id")[:limit]
