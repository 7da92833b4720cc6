"""Task runs as Prefect's REST API shows them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flowruns.domain.states import State
from flowruns.models import TaskRun, TaskRunState
from flowruns.services.presenting import current_states, estimate_delay, estimate_run_time
from flowruns.wire import State as WireState
from flowruns.wire import task_runs as wire


def present_task_run(run: TaskRun) -> wire.TaskRun:
    return present_task_runs([run])[0]


def present_task_runs(runs: Sequence[TaskRun]) -> list[wire.TaskRun]:
    """Render task runs with their current states, which take one query in all."""
    return list(map(_present, runs, current_states(runs, TaskRunState)))


def _present(run: TaskRun, state: State | None) -> wire.TaskRun:
    now = datetime.now(UTC)
    return wire.TaskRun(
        id=run.pk,
        created=run.created,
        updated=run.updated,
        name=run.name,
        flow_run_id=run.flow_run_id,
        task_key=run.task_key,
        dynamic_key=run.dynamic_key,
        cache_key=run.cache_key,
        cache_expiration=run.cache_expiration,
        task_version=run.task_version,
        empirical_policy=wire.TaskRunPolicy.model_validate(run.empirical_policy),
        tags=run.tags,
        labels=run.labels,
        state_id=run.state_id,
        task_inputs=run.task_inputs,
        state_type=state.type if state else None,
        state_name=state.name if state else None,
        run_count=run.run_count,
        flow_run_run_count=run.flow_run_run_count,
        expected_start_time=run.expected_start_time,
        next_scheduled_start_time=run.next_scheduled_start_time,
        start_time=run.start_time,
        end_time=run.end_time,
        total_run_time=run.total_run_time,
        estimated_run_time=estimate_run_time(run, state, now),
        estimated_start_time_delta=estimate_delay(run, state, now),
        state=WireState.from_domain(state) if state else None,
    )
