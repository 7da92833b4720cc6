"""Putting back the runs that somebody took and nobody started."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Min, Q, QuerySet

from flowruns.domain.actors import server
from flowruns.domain.states import State, StateDetails, StateType
from flowruns.models import FlowRun
from flowruns.services.runs.states import replace_state

# A process may take so long to start a run, unless whoever took it is there and says so.
UNSTARTED_AFTER = timedelta(seconds=40)
_BATCH = 200
_RELEASE = server("release")


def release_unstarted_runs() -> int:
    """Schedule again what was taken too long ago, and return how many; safe in many processes.

    The serving process that took a run may have been killed before it started it. Should it only
    be slow, two processes come to start the run, and the rules let the first have it. A run whose
    infrastructure is known is left to whoever asked for that.
    """
    too_long_ago = datetime.now(UTC) - UNSTARTED_AFTER
    unstarted = _taken().filter(
        Q(attended_at=None) | Q(attended_at__lt=too_long_ago), state_timestamp__lt=too_long_ago
    )
    found = list(unstarted.values_list("pk", "state_id")[:_BATCH])
    return sum(_release(flow_run_id, taken) for flow_run_id, taken in found)


def find_next() -> datetime | None:
    """Return when a run that was taken could have been so for too long."""
    taken_at: datetime | None = _taken().aggregate(first=Min("state_timestamp"))["first"]
    return taken_at and taken_at + UNSTARTED_AFTER


def _taken() -> QuerySet[FlowRun]:
    """Return the runs that somebody took and of which nobody knows where they start."""
    return FlowRun.objects.filter(
        Q(infrastructure_pid=None) | Q(infrastructure_pid=""),
        state_type=StateType.PENDING,
        deployment__isnull=False,
    ).order_by("id")


def _release(flow_run_id: UUID, taken_state_id: UUID | None) -> bool:
    proposed = State(
        type=StateType.SCHEDULED,
        message="The run was taken and not started, so it is there to be taken again.",
        details=StateDetails(scheduled_time=datetime.now(UTC)),
    )
    return replace_state(
        flow_run_id, proposed=proposed, actor=_RELEASE, known_state_id=taken_state_id
    )
