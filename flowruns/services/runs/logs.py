"""Log lines of flow runs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from flowruns import wire
from flowruns.domain.ids import new_id
from flowruns.models import LogLine
from flowruns.models.prepared import PreparedInsert
from flowruns.pubsub import event_feed

_new_lines = PreparedInsert(LogLine)
_lines_again = PreparedInsert(LogLine, ignore_conflicts=True)


def create_logs(logs: Sequence[wire.LogCreate], *, key: UUID | None = None) -> None:
    """Store lines in one write and tell who listens. Their run may be unknown (as Prefect 3.9).

    Lines that come again under the same `key` are stored once: their ids follow from it.
    """
    lines = [
        LogLine(
            id=new_id() if key is None else UUID(int=(key.int + number) % 2**128),
            name=log.name,
            level=log.level,
            message=log.message,
            timestamp=log.timestamp,
            flow_run_id=log.flow_run_id,
            task_run_id=log.task_run_id,
        )
        for number, log in enumerate(logs)
    ]
    with transaction.atomic():
        (_new_lines if key is None else _lines_again).insert_all(lines)
        event_feed.logs.announce([line.pk for line in lines])


def read_run_logs(
    flow_run_id: UUID,
    *,
    limit: int,
    level: int = 0,
    text: str = "",
    before: tuple[datetime, UUID] | None = None,
) -> tuple[list[LogLine], int]:
    """Return the newest `limit` lines of a run, newest first, and how many there are in all.

    Wanted are lines of at least `level` that contain every word of `text`; `before` is the place
    (timestamp, id) of the last one that the reader has seen, and does not change the number.
    """
    found = LogLine.objects.filter(flow_run_id=flow_run_id, level__gte=level)
    for word in text.split():
        found = found.filter(message__icontains=word)
    wanted = found
    if before is not None:
        moment, last = before
        wanted = found.filter(Q(timestamp__lt=moment) | Q(timestamp=moment, pk__lt=last))
    lines = list(wanted.order_by("-timestamp", "-id")[:limit])
    is_whole = before is None and len(lines) < limit
    return lines, len(lines) if is_whole else found.count()


def delete_logs(flow_run_id: UUID) -> None:
    LogLine.objects.filter(flow_run_id=flow_run_id).delete()
