"""More time for a suspended run: its deadline is the server's alone."""

from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from flowruns.domain.states import StateType
from flowruns.models import FlowRun, FlowRunState


def extend_pause(flow_run_id: UUID, *, pause_state_id: UUID, deadline: datetime) -> bool:
    """Move the deadline of a suspended run, in UTC; False where it waits there no longer.

    Nothing of the kind in Prefect 3.8. A run that is paused and not suspended keeps its deadline:
    its process goes by a clock of its own.
    """
    with transaction.atomic():
        pause = FlowRunState.objects.filter(pk=pause_state_id, flow_run=flow_run_id).first()
        if pause is None or not pause.to_domain().is_suspended:
            return False
        now = datetime.now(UTC)
        waiting = FlowRun.objects.filter(
            pk=flow_run_id,
            state_id=pause_state_id,
            state_type=StateType.PAUSED,
            expires_at__gt=now,
        )
        if not waiting.update(expires_at=deadline, version=F("version") + 1, updated=now):
            return False
        pause.details = {**pause.details, "pause_timeout": deadline.isoformat()}
        pause.save(update_fields=["details"])
    return True
