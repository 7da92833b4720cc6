"""Saying of runs that nobody started in time that they are late."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from flowruns.domain.actors import server
from flowruns.domain.states import StateType, late
from flowruns.models import FlowRun
from flowruns.services.runs.states import replace_state

# As Prefect 3.9.
LATE_AFTER = timedelta(seconds=15)

_BATCH = 400
_LATENESS = server("lateness")


def mark_late_runs() -> int:
    """Mark runs that should have started by now, the oldest first, and return how many.

    Safe to run in many processes. Only runs named "Scheduled" become late (as Prefect 3.9):
    those that resume, retry or wait for a free slot have names of their own.
    """
    overdue = _punctual().filter(next_scheduled_start_time__lte=datetime.now(UTC) - LATE_AFTER)
    found = list(overdue.values_list("pk", "state_id", "next_scheduled_start_time")[:_BATCH])
    return sum(_mark_late(*run) for run in found)


def find_next() -> datetime | None:
    """Return when the next run is late."""
    start = _punctual().values_list("next_scheduled_start_time", flat=True).first()
    return start and start + LATE_AFTER


def _punctual() -> QuerySet[FlowRun]:
    """Return the runs that can become late, those that start first at the beginning."""
    return FlowRun.objects.filter(
        state_type=StateType.SCHEDULED,
        state_name="Scheduled",
        next_scheduled_start_time__isnull=False,
    ).order_by("next_scheduled_start_time")


def _mark_late(flow_run_id: UUID, state_id: UUID | None, due: datetime | None) -> bool:
    proposed = late(at=due or datetime.now(UTC))
    return replace_state(flow_run_id, proposed=proposed, actor=_LATENESS, known_state_id=state_id)
