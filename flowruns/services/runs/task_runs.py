"""Task runs: created, read, changed and deleted by REST, as Prefect 3.9's client does for a few."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from flowruns.domain.bookkeeping import facts_after
from flowruns.domain.errors import TaskRunExists, TaskRunNotFound, TaskRunStateNotFound
from flowruns.domain.ids import new_id
from flowruns.domain.rules import judge
from flowruns.domain.states import State, StateType
from flowruns.domain.task_rules import TASK_RUN_RULES
from flowruns.domain.transitions import Accept, Transition
from flowruns.models import FlowRun, LogLine, TaskRun, TaskRunState
from flowruns.models.prepared import PreparedInsert
from flowruns.models.states import dump_current_state, dump_state
from flowruns.services.labels import label_task_run
from flowruns.services.lookups import current_state, one
from flowruns.services.runs.states import MAX_LOSSES, StateContended
from flowruns.services.runs.verdicts import Outcome
from flowruns.wire import StateCreate
from flowruns.wire import task_runs as wire

_new_states = PreparedInsert(TaskRunState, ignore_conflicts=True)
_COLUMNS = (
    *("name", "flow_run_id", "task_key", "dynamic_key", "cache_key", "cache_expiration"),
    *("task_version", "task_inputs"),
)


def create_task_run(task_run: wire.TaskRunCreate) -> tuple[TaskRun, bool]:
    """Create a task run in the proposed state, PENDING by default, and say whether it is new.

    The one of the same call of the same flow run, or of none, is returned instead (as Prefect
    3.9). Raises `TaskRunExists` where the client gives it the id of another call's.
    """
    same = TaskRun.objects.filter(
        flow_run_id=task_run.flow_run_id,
        task_key=task_run.task_key,
        dynamic_key=task_run.dynamic_key,
    )
    if found := same.first():
        return found, False
    try:
        with transaction.atomic():
            return _create(task_run), True
    except IntegrityError:  # another request was faster, or has this id
        if found := same.first():
            return found, False
        raise TaskRunExists from None


def _create(task_run: wire.TaskRunCreate) -> TaskRun:
    of = task_run.flow_run_id
    flow_run = FlowRun.objects.filter(pk=of).first() if of is not None else None
    created = TaskRun.objects.create(
        id=task_run.id or new_id(),
        tags=sorted(set(task_run.tags)),
        labels=label_task_run(flow_run, task_run.labels),
        empirical_policy=task_run.empirical_policy.model_dump(mode="json", exclude_unset=True),
        **{name: getattr(task_run, name) for name in _COLUMNS},
    )
    state = task_run.state or StateCreate(type=StateType.PENDING)
    set_task_run_state(created.pk, proposed=state.to_domain())
    return read_task_run(created.pk)


def read_task_run(task_run_id: UUID) -> TaskRun:
    """Return the task run; raises `TaskRunNotFound`."""
    return one(TaskRun.objects.select_related("state").filter(pk=task_run_id), TaskRunNotFound)


def update_task_run(task_run_id: UUID, changes: wire.TaskRunUpdate) -> None:
    """Change the name, if one is sent; raises `TaskRunNotFound`."""
    run = read_task_run(task_run_id)
    if changes.name is not None:
        TaskRun.objects.filter(pk=run.pk).update(name=changes.name, updated=datetime.now(UTC))


def delete_task_run(task_run_id: UUID) -> None:
    """Delete a task run with its states and log lines; raises `TaskRunNotFound`."""
    with transaction.atomic():
        deleted, _ = TaskRun.objects.filter(pk=task_run_id).delete()
        if not deleted:
            raise TaskRunNotFound
        LogLine.objects.filter(task_run_id=task_run_id).delete()


def delete_task_runs_of(flow_run_id: UUID) -> None:
    TaskRun.objects.filter(flow_run_id=flow_run_id).delete()


def set_task_run_state(task_run_id: UUID, *, proposed: State, force: bool = False) -> Outcome:
    """Propose a state for a task run; raises `TaskRunNotFound`."""
    with transaction.atomic():
        for _ in range(MAX_LOSSES):
            outcome = _set_state(read_task_run(task_run_id), proposed, force=force)
            if outcome is not None:
                return outcome
    raise StateContended


def _set_state(run: TaskRun, proposed: State, *, force: bool) -> Outcome | None:
    now = datetime.now(UTC)
    initial = current_state(run)
    t = Transition(
        initial=initial, proposed=replace(proposed, timestamp=now), run=run.facts, now=now
    )
    verdict = Accept(t.proposed) if force else judge(t, TASK_RUN_RULES)
    if not isinstance(verdict, Accept):
        return Outcome(verdict=verdict, state=initial, is_new=False)
    written = _of_task_run(verdict.state, run)
    if not _compare_and_set(run, t, written):
        return None
    add_task_run_states([(run.pk, written)])
    return Outcome(verdict=Accept(written), state=written, is_new=True)


def _of_task_run(state: State, run: TaskRun) -> State:
    """Say in the state's details which run it belongs to, as Prefect 3.9 does."""
    flow_run_id = str(run.flow_run_id) if run.flow_run_id else None
    extra = {**state.details.extra, "task_run_id": str(run.pk), "flow_run_id": flow_run_id}
    return replace(state, details=replace(state.details, extra=extra))


def _compare_and_set(run: TaskRun, t: Transition, written: State) -> bool:
    facts = facts_after(t, written)
    won = TaskRun.objects.filter(pk=run.pk, state_id=run.state_id).update(
        updated=datetime.now(UTC),
        run_count=facts.run_count,
        expected_start_time=facts.expected_start_time,
        next_scheduled_start_time=facts.next_scheduled_start_time,
        start_time=facts.start_time,
        end_time=facts.end_time,
        total_run_time=facts.total_run_time,
        **dump_current_state(written),
    )
    return won == 1


def add_task_run_states(states: list[tuple[UUID, State]]) -> None:
    """Add states to the histories of task runs; one that is there already stays as it is."""
    _new_states.insert_all(
        TaskRunState(task_run_id=task_run_id, **dump_state(state)) for task_run_id, state in states
    )


def read_task_run_states(task_run_id: UUID) -> list[TaskRunState]:
    """Return the history of a task run, oldest first; empty for an unknown one."""
    return list(TaskRunState.objects.filter(task_run=task_run_id).order_by("timestamp", "id"))


def read_task_run_state(state_id: UUID) -> TaskRunState:
    """Return one state of a history; raises `TaskRunStateNotFound`."""
    return one(TaskRunState.objects.filter(pk=state_id), TaskRunStateNotFound)
