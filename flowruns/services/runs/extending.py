"""More time for a run that is suspended, or paused by an SDK that reads the deadline again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from flowruns.domain.keysets import step_key
from flowruns.domain.states import State, StateType
from flowruns.models import FlowRun, FlowRunState, RunInput

# So long before its deadline a paused run gets no more time: its process may have given up.
_LAST_LOOK = timedelta(seconds=5)


def may_extend_pause(flow_run_id: UUID, *, pause_state_id: UUID) -> bool:
    """Whether the deadline of a pause can be moved.

    That of a suspended run is the server's alone. The process of a paused one goes by a clock of
    its own, and only this SDK, which stores the step that asks, reads the deadline again.
    """
    pause = FlowRunState.objects.filter(pk=pause_state_id, flow_run=flow_run_id).first()
    return pause is not None and _looks_again(flow_run_id, pause.to_domain())


def extend_pause(flow_run_id: UUID, *, pause_state_id: UUID, deadline: datetime) -> bool:
    """Move the deadline of a pause, in UTC; False where it cannot be moved, or waits no longer.

    Nothing of the kind in Prefect 3.9.
    """
    with transaction.atomic():
        pause = FlowRunState.objects.filter(pk=pause_state_id, flow_run=flow_run_id).first()
        if pause is None or not _looks_again(flow_run_id, pause.to_domain()):
            return False
        now = datetime.now(UTC)
        margin = timedelta() if pause.to_domain().is_suspended else _LAST_LOOK
        waiting = FlowRun.objects.filter(
            pk=flow_run_id,
            state_id=pause_state_id,
            state_type=StateType.PAUSED,
            expires_at__gt=now + margin,
        )
        if not waiting.update(expires_at=deadline, version=F("version") + 1, updated=now):
            return False
        pause.details = {**pause.details, "pause_timeout": deadline.isoformat()}
        pause.save(update_fields=["details"])
    return True


def _looks_again(flow_run_id: UUID, pause: State) -> bool:
    """Whether who waits in a pause hears of another deadline."""
    if pause.is_suspended:
        return True
    key = step_key(pause.name, pause.details.pause_key or "")
    return RunInput.objects.filter(flow_run=flow_run_id, key=key).exists()
