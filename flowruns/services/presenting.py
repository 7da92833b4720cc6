"""Rows as Prefect's REST API shows them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import prefetch_related_objects

from flowruns import wire
from flowruns.domain.states import TERMINAL_STATES, State, StateType
from flowruns.models import (
    ConcurrencyLimit,
    Deployment,
    DeploymentSchedule,
    FlowRun,
    LogLine,
    TaskRun,
)
from flowruns.models.states import Run
from flowruns.services.deployments.deployments import is_served
from flowruns.services.limits.concurrency import count_active
from flowruns.services.lookups import current_state
from flowruns.wire import deployments as wire_deployments
from flowruns.wire import schedules as wire_schedules
from flowruns.wire import task_runs as wire_task_runs
from flowruns.wire.concurrency import GlobalConcurrencyLimit, NewConcurrencyLimit


def present_flow_run(run: FlowRun) -> wire.FlowRun:
    return present_flow_runs([run])[0]


def present_flow_runs(runs: Sequence[FlowRun]) -> list[wire.FlowRun]:
    """Render runs with their current states, which take one query in all."""
    return list(map(_present, runs, current_states(runs)))


def current_states(runs: Sequence[FlowRun] | Sequence[TaskRun]) -> Iterator[State | None]:
    """Yield the current state of each run; those that were not read with it, by one query."""
    prefetch_related_objects(runs, "state")
    yield from map(current_state, runs)


def present_log(line: LogLine) -> wire.Log:
    return wire.Log(
        id=line.pk,
        created=line.created,
        updated=line.updated,
        name=line.name,
        level=line.level,
        message=line.message,
        timestamp=line.timestamp,
        flow_run_id=line.flow_run_id,
        task_run_id=line.task_run_id,
    )


def present_deployment(deployment: Deployment) -> wire_deployments.Deployment:
    return wire_deployments.Deployment(
        id=deployment.pk,
        created=deployment.created,
        updated=deployment.updated,
        name=deployment.name,
        version=deployment.version,
        description=deployment.description,
        flow_id=deployment.flow_id,
        paused=deployment.paused,
        schedules=[present_schedule(schedule) for schedule in deployment.schedules.all()],
        global_concurrency_limit=(
            present_limit(deployment.concurrency_limit) if deployment.concurrency_limit else None
        ),
        concurrency_options=deployment.concurrency_options,
        job_variables=deployment.job_variables,
        parameters=deployment.parameters,
        tags=deployment.tags,
        labels=deployment.labels,
        work_queue_name=deployment.work_queue_name,
        last_polled=deployment.last_polled,
        parameter_openapi_schema=deployment.parameter_openapi_schema,
        path=deployment.path,
        pull_steps=deployment.pull_steps,
        entrypoint=deployment.entrypoint,
        storage_document_id=deployment.storage_document_id,
        infrastructure_document_id=deployment.infrastructure_document_id,
        status="READY" if is_served(deployment) else "NOT_READY",
        enforce_parameter_schema=deployment.enforce_parameter_schema,
    )


def present_schedule(schedule: DeploymentSchedule) -> wire_schedules.DeploymentSchedule:
    return wire_schedules.DeploymentSchedule.model_validate(
        {
            "id": schedule.pk,
            "created": schedule.created,
            "updated": schedule.updated,
            "deployment_id": schedule.deployment_id,
            "schedule": schedule.schedule,
            "active": schedule.active,
            "max_scheduled_runs": schedule.max_scheduled_runs,
            "parameters": schedule.parameters,
            "slug": schedule.slug,
        }
    )


def _present(run: FlowRun, state: State | None) -> wire.FlowRun:
    now = datetime.now(UTC)
    return wire.FlowRun(
        id=run.pk,
        created=run.created,
        updated=run.updated,
        name=run.name,
        flow_id=run.flow_id,
        state_id=run.state_id,
        deployment_id=run.deployment_id,
        deployment_version=run.deployment_version,
        work_queue_name=run.work_queue_name,
        flow_version=run.flow_version,
        parameters=run.parameters,
        idempotency_key=run.idempotency_key,
        context=run.context,
        empirical_policy=_present_policy(run),
        tags=run.tags,
        labels=run.labels,
        parent_task_run_id=run.parent_task_run_id,
        state_type=state.type if state else None,
        state_name=state.name if state else None,
        run_count=run.run_count,
        expected_start_time=run.expected_start_time,
        next_scheduled_start_time=run.next_scheduled_start_time,
        start_time=run.start_time,
        end_time=run.end_time,
        total_run_time=run.total_run_time,
        estimated_run_time=estimate_run_time(run, state, now),
        estimated_start_time_delta=estimate_delay(run, state, now),
        infrastructure_document_id=run.infrastructure_document_id,
        infrastructure_pid=run.infrastructure_pid,
        auto_scheduled=run.schedule_id is not None,
        created_by=_present_creator(run),
        state=wire.State.from_domain(state) if state else None,
        job_variables=run.job_variables,
    )


def _present_creator(run: FlowRun) -> wire.CreatedBy | None:
    if run.schedule_id is not None:
        name = run.created_by or None
        return wire.CreatedBy(id=run.schedule_id, type="SCHEDULE", display_value=name)
    return wire.CreatedBy(display_value=run.created_by) if run.created_by else None


def _present_policy(run: FlowRun) -> wire.FlowRunPolicy:
    return wire.FlowRunPolicy(
        retries=run.retries,
        retry_delay=run.retry_delay,
        retry_type=run.facts.retry_type,
        resuming=run.resuming,
        pause_keys=run.pause_keys,
    )


def estimate_run_time(run: Run, state: State | None, now: datetime) -> timedelta:
    if state is None or state.type is not StateType.RUNNING:
        return run.total_run_time
    return run.total_run_time + max(now - state.timestamp, timedelta(0))


def estimate_delay(run: Run, state: State | None, now: datetime) -> timedelta:
    if run.expected_start_time is None:
        return timedelta(0)
    if run.start_time is not None:
        return max(run.start_time - run.expected_start_time, timedelta(0))
    if state is not None and state.type in TERMINAL_STATES:
        return timedelta(0)
    return max(now - run.expected_start_time, timedelta(0))


def present_task_run(run: TaskRun) -> wire_task_runs.TaskRun:
    return present_task_runs([run])[0]


def present_task_runs(runs: Sequence[TaskRun]) -> list[wire_task_runs.TaskRun]:
    """Render task runs with their current states, which take one query in all."""
    return list(map(_present_task_run, runs, current_states(runs)))


def _present_task_run(run: TaskRun, state: State | None) -> wire_task_runs.TaskRun:
    now = datetime.now(UTC)
    return wire_task_runs.TaskRun(
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
        empirical_policy=wire_task_runs.TaskRunPolicy.model_validate(run.empirical_policy),
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
        state=wire.State.from_domain(state) if state else None,
    )


def present_limit(limit: ConcurrencyLimit) -> GlobalConcurrencyLimit:
    return GlobalConcurrencyLimit.model_validate(_limit_fields(limit))


def present_new_limit(limit: ConcurrencyLimit) -> NewConcurrencyLimit:
    return NewConcurrencyLimit.model_validate(_limit_fields(limit))


def _limit_fields(limit: ConcurrencyLimit) -> dict[str, Any]:
    names = ("created", "updated", "active", "name", "limit", "slot_decay_per_second")
    fields = {name: getattr(limit, name) for name in names}
    return fields | {"id": limit.pk, "active_slots": count_active(limit)}
