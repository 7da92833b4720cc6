"""Failing the pauses that nobody answered in time."""

from datetime import UTC, datetime
from uuid import UUID

from flowruns.domain.actors import server
from flowruns.domain.states import failed
from flowruns.models import FlowRun
from flowruns.services.runs.states import replace_state

_BATCH = 200
_EXPIRY = server("expiry")


def expire_pauses() -> int:
    """Fail overdue pauses, oldest first, and return how many; safe to run in many processes.

    Each is failed out of the pause that was found overdue, so a resume that came first stands.
    """
    overdue = FlowRun.objects.filter(expires_at__lt=datetime.now(UTC)).order_by("expires_at")
    pauses = list(overdue.values_list("pk", "state_id")[:_BATCH])
    return sum(_expire(flow_run_id, pause) for flow_run_id, pause in pauses)


def find_next() -> datetime | None:
    """Return when the next pause is overdue."""
    pauses = FlowRun.objects.filter(expires_at__isnull=False).order_by("expires_at")
    return pauses.values_list("expires_at", flat=True).first()


def _expire(flow_run_id: UUID, pause_state_id: UUID | None) -> bool:
    # The rules put the state with Prefect's message in the place of this one
    proposed = failed("The flow was paused and never resumed.")
    return replace_state(
        flow_run_id, proposed=proposed, actor=_EXPIRY, known_state_id=pause_state_id
    )
