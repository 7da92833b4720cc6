"""A run as a timeline: its states, its steps and its pauses, a page at a time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from approvals.models import Approval
from approvals.services.sources import find_source_of
from flowruns.connectors import TimelineEntry
from flowruns.domain.states import TERMINAL_STATES
from flowruns.wire import FlowRun

PAGE_SIZE = 50
# What a process reports of its last steps may come after the run's own end.
_STRAGGLERS = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineItem:
    """An entry, and the approval that it opened, if it is a pause."""

    entry: TimelineEntry
    approval: Approval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One page, the latest first. `earlier` leads to the next page, "" where there is none.

    `is_live` says whether more may happen at its head; `mark` changes whenever the page does.
    """

    items: list[TimelineItem]
    earlier: str
    is_live: bool
    is_first: bool
    mark: str


def read_timeline(
    flow_run: FlowRun, approvals: Sequence[Approval], *, before: str = ""
) -> Timeline:
    """Read the page that begins before a place, or the latest one."""
    position = _read_place(before)
    source = find_source_of(flow_run.id)
    entries = source.read_timeline(flow_run.id, before=position, limit=PAGE_SIZE + 1)
    shown = entries[:PAGE_SIZE]
    opened = {approval.pause_state_id: approval for approval in approvals}
    items = [TimelineItem(entry=entry, approval=opened.get(entry.id)) for entry in shown]
    is_live = position is None and not _is_over(flow_run)
    return Timeline(
        items=items,
        earlier=_write_place(shown[-1]) if len(entries) > PAGE_SIZE else "",
        is_live=is_live,
        is_first=position is None,
        mark=_mark_of(items, is_live=is_live),
    )


def _is_over(flow_run: FlowRun) -> bool:
    if flow_run.state_type not in TERMINAL_STATES or flow_run.end_time is None:
        return False
    return datetime.now(UTC) - flow_run.end_time > _STRAGGLERS


def _read_place(text: str) -> tuple[datetime, UUID] | None:
    moment, _, entry_id = text.partition("~")
    try:
        return datetime.fromtimestamp(int(moment) / 1_000_000, UTC), UUID(entry_id)
    except (ValueError, OverflowError, OSError):
        return None


def _write_place(entry: TimelineEntry) -> str:
    """Write a place as microseconds since 1970 and an id."""
    since = entry.moment - datetime(1970, 1, 1, tzinfo=UTC)
    return f"{since // timedelta(microseconds=1)}~{entry.id}"


def _mark_of(items: Sequence[TimelineItem], *, is_live: bool) -> str:
    shown = ":".join(
        f"{item.entry.id}.{item.entry.state.id}."
        f"{item.approval.outcome + item.approval.question if item.approval else ''}"
        for item in items
    )
    return hashlib.sha256(f"{is_live}|{shown}".encode()).hexdigest()[:16]
