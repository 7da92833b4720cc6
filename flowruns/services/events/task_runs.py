"""Task runs out of the events by which their processes report them.

The same event twice changes nothing, and events may come in any order: of two states the later
one by the process's clock is the task run's, as in Prefect 3.9.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from pydantic import ValidationError

from flowruns.domain.states import State
from flowruns.models import TaskRun
from flowruns.models.prepared import PreparedInsert
from flowruns.models.states import dump_current_state
from flowruns.services.runs.task_runs import add_task_run_states
from flowruns.wire import StateCreate
from flowruns.wire.events import Event, read_object_id
from flowruns.wire.task_runs import ReportedTaskRun

type _Call = tuple[UUID, str, str]

_new_task_runs = PreparedInsert(TaskRun, ignore_conflicts=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A state that a task run went into, and the task run as it was then."""

    task_run_id: UUID
    flow_run_id: UUID | None
    run: ReportedTaskRun
    state: State

    @property
    def call(self) -> _Call:
        """What makes two reports speak of one task run, whichever ids they give it."""
        return (self.flow_run_id or self.task_run_id, self.run.task_key, self.run.dynamic_key)


def record_task_runs(reports: Iterable[Report]) -> None:
    """Bring task runs up to date with what is reported of them."""
    reports = sorted(reports, key=lambda report: report.state.timestamp)
    if not reports:
        return
    try:
        with transaction.atomic():
            _record(reports)
    except IntegrityError:  # another process has just made one of them under another id
        with transaction.atomic():
            _record(reports)


def read_report(event: Event) -> Report | None:
    """Read what an event says of a task run; None where it is about something else."""
    task_run_id = read_object_id("task-run", event.resource_id)
    if task_run_id is None or event.resource.get("prefect.orchestration") != "client":
        return None
    flow_run_id = read_object_id("flow-run", event.related_in_role("flow-run"))
    try:
        run = ReportedTaskRun.model_validate(event.payload.get("task_run"))
        state = StateCreate.model_validate(event.payload.get("validated_state")).to_domain()
    except ValidationError:
        return None
    ids = {"task_run_id": str(task_run_id), "flow_run_id": str(flow_run_id or "") or None}
    details = replace(state.details, extra={**state.details.extra, **ids})
    state = replace(state, id=event.id, timestamp=event.occurred, details=details)
    return Report(task_run_id=task_run_id, flow_run_id=flow_run_id, run=run, state=state)


def _record(reports: Sequence[Report]) -> None:
    ids = _find_ids(reports)
    latest = {ids[report.call]: report for report in reports}
    _new_task_runs.insert_all(
        TaskRun(id=pk, flow_run_id=r.flow_run_id, **_columns(r)) for pk, r in latest.items()
    )
    for pk in _find_outdated(latest):
        report = latest[pk]
        older = Q(state_timestamp__isnull=True) | Q(state_timestamp__lt=report.state.timestamp)
        TaskRun.objects.filter(older, pk=pk).update(updated=datetime.now(UTC), **_columns(report))
    add_task_run_states([(ids[report.call], report.state) for report in reports])


def _find_outdated(latest: Mapping[UUID, Report]) -> list[UUID]:
    """Return the task runs that do not show their latest state yet: all but the new ones."""
    shown = TaskRun.objects.filter(pk__in=latest).values_list("pk", "state_id")
    return [pk for pk, state_id in shown if state_id != latest[pk].state.id]


def _find_ids(reports: Sequence[Report]) -> dict[_Call, UUID]:
    """Return the id of each call's task run: the stored one's, or the first that is reported."""
    stored = TaskRun.objects.filter(
        Q(pk__in={report.task_run_id for report in reports})
        | Q(
            flow_run_id__in={r.flow_run_id for r in reports if r.flow_run_id},
            dynamic_key__in={r.run.dynamic_key for r in reports},
        )
    )
    by_id, by_call = {}, {}
    for pk, *call in stored.values_list("pk", "flow_run_id", "task_key", "dynamic_key"):
        by_id[pk] = pk
        by_call[tuple(call)] = pk
    ids: dict[_Call, UUID] = {}
    for report in reports:
        known = by_id.get(report.task_run_id) or by_call.get(report.call)
        ids.setdefault(report.call, known or report.task_run_id)
    return ids


def _columns(report: Report) -> dict[str, Any]:
    """Return what the report says of the row; what it leaves out stays as it is."""
    columns: dict[str, Any] = {
        name: getattr(report.run, name) for name in report.run.model_fields_set
    }
    if "empirical_policy" in columns:
        columns["empirical_policy"] = report.run.empirical_policy.model_dump(
            mode="json", exclude_unset=True
        )
    if "labels" in columns:
        columns["labels"] = report.run.labels or {}
    return columns | dump_current_state(report.state)
