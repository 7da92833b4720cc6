"""Forgetting what ended long ago, some at a time, while everybody else goes on.

Approvals with their votes and decisions are no part of a run and stay: who answered what, and when.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from flowruns.domain.actors import server
from flowruns.domain.states import TERMINAL_STATES
from flowruns.models import Artifact, FlowRun, LogLine, TaskRun
from flowruns.services.runs.flow_runs import delete_flow_run

# What is deleted in one transaction, which keeps other writers of SQLite waiting.
RUNS_AT_ONCE = 25
ROWS_AT_ONCE = 1_000
# What the background loop does in a round, so that it catches up with a busy server.
_BATCHES_OF_A_ROUND = 20
_LONGEST_REST = 1.0  # seconds
_RETENTION = server("retention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many rows of each kind a batch has deleted, or all of them would."""

    runs: int = 0
    task_runs: int = 0
    logs: int = 0
    artifacts: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(
            runs=self.runs + other.runs,
            task_runs=self.task_runs + other.task_runs,
            logs=self.logs + other.logs,
            artifacts=self.artifacts + other.artifacts,
        )

    def __bool__(self) -> bool:
        return bool(self.runs or self.task_runs or self.logs or self.artifacts)


def prune_by_setting() -> int:
    """Delete a few batches of what is older than `RETENTION_DAYS`; return how many runs went.

    Safe to run in many processes; nothing goes where the setting is 0.
    """
    if not settings.RETENTION_DAYS:
        return 0
    before = datetime.now(UTC) - timedelta(days=settings.RETENTION_DAYS)
    return prune(before=before, most=_BATCHES_OF_A_ROUND).runs


def prune(*, before: datetime, most: int | None = None) -> Pruned:
    """Delete what ended before a moment, or so many batches of it, and return how much went.

    Others, who write to SQLite one at a time, get as much time as each batch took.
    """
    total = Pruned()
    for _ in count() if most is None else range(most):
        began = time.monotonic()
        batch = prune_batch(before=before)
        if not batch:
            break
        total += batch
        time.sleep(min(time.monotonic() - began, _LONGEST_REST))
    return total


def prune_batch(*, before: datetime) -> Pruned:
    """Delete one batch of what ended before a moment, oldest first; falsy when nothing is left.

    What a run has many of goes before it, so that each transaction stays small.
    """
    ids = list(_ended(before).values_list("pk", flat=True)[:RUNS_AT_ONCE])
    if ids and (some := _prune_contents(ids)):
        return some
    if ids:
        return Pruned(runs=_prune_runs(ids, before))
    return _prune_orphans(before)


def count_prunable(*, before: datetime) -> Pruned:
    """Count what pruning would delete now."""
    ended = _ended(before).values("pk")
    tasks, logs = _orphans(before)
    return Pruned(
        runs=_ended(before).count(),
        task_runs=TaskRun.objects.filter(flow_run_id__in=ended).count() + tasks.count(),
        logs=LogLine.objects.filter(flow_run_id__in=ended).count() + logs.count(),
        artifacts=Artifact.objects.filter(flow_run_id__in=ended).count(),
    )


def _ended(before: datetime) -> QuerySet[FlowRun]:
    """Return the runs that ended before, oldest first, but subflows of runs that may ask again."""
    parent = TaskRun.objects.filter(pk=OuterRef(OuterRef("parent_task_run_id"))).values(
        "flow_run_id"
    )
    of_unfinished = FlowRun.objects.filter(pk__in=parent).exclude(state_type__in=TERMINAL_STATES)
    # An id is no younger than its run, so that the index by state leads to them
    ended = FlowRun.objects.filter(
        state_type__in=TERMINAL_STATES, pk__lt=_first_id(before), state_timestamp__lt=before
    )
    return ended.exclude(Q(parent_task_run_id__isnull=False) & Exists(of_unfinished)).order_by("id")


def _first_id(moment: datetime) -> UUID:
    """Return the smallest identifier that `new_id` could have made at a moment."""
    return UUID(int=int(moment.timestamp() * 1_000) << 80)


def _prune_contents(run_ids: list[UUID]) -> Pruned:
    return Pruned(
        logs=_delete_some(LogLine.objects.filter(flow_run_id__in=run_ids)),
        task_runs=_delete_some(TaskRun.objects.filter(flow_run_id__in=run_ids)),
        artifacts=_delete_some(Artifact.objects.filter(flow_run_id__in=run_ids)),
    )


def _prune_runs(run_ids: list[UUID], before: datetime) -> int:
    """Delete those that are still as old: one may have begun again since."""
    with transaction.atomic():
        still = _ended(before).filter(pk__in=run_ids).select_for_update(of=("self",))
        ids = list(still.values_list("pk", flat=True))
        for run_id in ids:
            delete_flow_run(run_id, actor=_RETENTION, is_part=True)
    return len(ids)


def _prune_orphans(before: datetime) -> Pruned:
    tasks, logs = _orphans(before)
    return Pruned(task_runs=_delete_some(tasks), logs=_delete_some(logs))


def _orphans(before: datetime) -> tuple[QuerySet[TaskRun], QuerySet[LogLine]]:
    """Return old task runs of no flow run, and old log lines of none that is known here."""
    unknown = ~Exists(FlowRun.objects.filter(pk=OuterRef("flow_run_id")))
    tasks = TaskRun.objects.filter(
        flow_run_id=None, expected_start_time__lt=before, state_type__in=TERMINAL_STATES
    )
    return tasks, LogLine.objects.filter(unknown, timestamp__lt=before)


def _delete_some[Row: (LogLine, TaskRun, Artifact)](rows: QuerySet[Row]) -> int:
    with transaction.atomic():
        ids = list(rows.values_list("pk", flat=True)[:ROWS_AT_ONCE])
        rows.model._default_manager.filter(pk__in=ids).delete()  # noqa: SLF001 -- Django's name
    return len(ids)
