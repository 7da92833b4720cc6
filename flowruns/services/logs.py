"""Log lines of flow runs."""

from collections.abc import Sequence
from uuid import UUID

from flowruns import wire
from flowruns.models import LogLine


def create_logs(logs: Sequence[wire.LogCreate]) -> None:
    """Store lines in one write. Their run may be unknown here, as in Prefect 3.8."""
    LogLine.objects.bulk_create(
        LogLine(
            name=log.name,
            level=log.level,
            message=log.message,
            timestamp=log.timestamp,
            flow_run_id=log.flow_run_id,
            task_run_id=log.task_run_id,
        )
        for log in logs
    )


def read_run_logs(flow_run_id: UUID, *, limit: int) -> list[LogLine]:
    """Return the newest `limit` lines of a run, oldest first."""
    newest = LogLine.objects.filter(flow_run_id=flow_run_id).order_by("-timestamp", "-id")
    return list(newest[:limit])[::-1]


def delete_logs(flow_run_id: UUID) -> None:
    LogLine.objects.filter(flow_run_id=flow_run_id).delete()
