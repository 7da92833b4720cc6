"""Lists of flows, deployments, runs, task runs and log lines."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Case, DurationField, Expression, F, QuerySet, Value, When
from django.db.models.functions import Now

from flowruns.domain.states import StateType
from flowruns.models import Deployment, Flow, FlowRun, LogLine, TaskRun
from flowruns.services.criteria import (
    STARTED,
    deployment_criteria,
    flow_criteria,
    log_criteria,
    run_criteria,
    task_run_criteria,
)
from flowruns.wire import filters, queries

_RUN_ORDER: dict[queries.FlowRunSort, tuple[Expression | F | str, ...]] = {
    queries.FlowRunSort.ID_DESC: ("-id",),
    # Every run has one of the two times from its first state on. Where nulls had a place, as
    # Prefect gives them the last one, PostgreSQL would sort all runs instead of reading an index.
    queries.FlowRunSort.START_TIME_ASC: (STARTED.asc(), "id"),
    queries.FlowRunSort.START_TIME_DESC: (STARTED.desc(), "-id"),
    queries.FlowRunSort.EXPECTED_START_TIME_ASC: ("expected_start_time", "id"),
    queries.FlowRunSort.EXPECTED_START_TIME_DESC: ("-expected_start_time", "-id"),
    queries.FlowRunSort.NAME_ASC: ("name", "id"),
    queries.FlowRunSort.NAME_DESC: ("-name", "-id"),
    queries.FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC: (
        F("next_scheduled_start_time").asc(nulls_last=True),
        "id",
    ),
    queries.FlowRunSort.END_TIME_DESC: (F("end_time").desc(nulls_last=True), "-id"),
}
_FLOW_ORDER = {
    queries.FlowSort.CREATED_DESC: ("-created", "-id"),
    queries.FlowSort.UPDATED_DESC: ("-updated", "-id"),
    queries.FlowSort.NAME_ASC: ("name",),
    queries.FlowSort.NAME_DESC: ("-name",),
}
_DEPLOYMENT_ORDER = {
    queries.DeploymentSort.CREATED_DESC: ("-created", "-id"),
    queries.DeploymentSort.UPDATED_DESC: ("-updated", "-id"),
    queries.DeploymentSort.NAME_ASC: ("name", "id"),
    queries.DeploymentSort.NAME_DESC: ("-name", "-id"),
}
# How long it has run until now, as `estimated_run_time` tells it
_RUN_TIME = F("total_run_time") + Case(
    When(state_type=StateType.RUNNING, then=Now() - F("state_timestamp")),
    default=Value(timedelta(0)),
    output_field=DurationField(),
)
_TASK_RUN_ORDER: dict[queries.TaskRunSort, tuple[Expression | F | str, ...]] = {
    queries.TaskRunSort.ID_DESC: ("-id",),
    queries.TaskRunSort.EXPECTED_START_TIME_ASC: ("expected_start_time", "id"),
    queries.TaskRunSort.EXPECTED_START_TIME_DESC: ("-expected_start_time", "-id"),
    queries.TaskRunSort.NAME_ASC: ("name", "id"),
    queries.TaskRunSort.NAME_DESC: ("-name", "-id"),
    queries.TaskRunSort.NEXT_SCHEDULED_START_TIME_ASC: (
        F("next_scheduled_start_time").asc(nulls_last=True),
        "id",
    ),
    queries.TaskRunSort.END_TIME_DESC: (F("end_time").desc(nulls_last=True), "-id"),
    queries.TaskRunSort.DURATION_DESC: (_RUN_TIME.desc(), "-expected_start_time", "-id"),
    queries.TaskRunSort.DURATION_ASC: (_RUN_TIME.asc(), "-expected_start_time", "-id"),
}
_LOG_ORDER = {
    queries.LogSort.TIMESTAMP_ASC: ("timestamp", "id"),
    queries.LogSort.TIMESTAMP_DESC: ("-timestamp", "-id"),
}


def read_flows(query: queries.FlowQuery | queries.FlowPageQuery) -> list[Flow]:
    """Return the flows that match, with runs and deployments that match where any are named."""
    flows = _matching_flows(query).order_by(*_FLOW_ORDER[query.sort])
    return list(flows[query.offset : query.offset + query.limit])


def count_flows(criteria: queries.RunCriteria) -> int:
    return _matching_flows(criteria).count()


def read_deployments(
    query: queries.DeploymentQuery | queries.DeploymentPageQuery,
) -> list[Deployment]:
    """Return the deployments that match, of flows and with runs that match."""
    deployments = _matching_deployments(query).order_by(*_DEPLOYMENT_ORDER[query.sort])
    page = deployments.prefetch_related("schedules")
    return list(page[query.offset : query.offset + query.limit])


def count_deployments(criteria: queries.RunCriteria) -> int:
    return _matching_deployments(criteria).count()


def select_flow_runs(
    query: queries.FlowRunQuery | queries.FlowRunPageQuery,
) -> QuerySet[FlowRun]:
    runs = matching_runs(query).order_by(*_RUN_ORDER[query.sort])
    return runs[query.offset : query.offset + query.limit]


def count_flow_runs(criteria: queries.RunCriteria) -> int:
    return matching_runs(criteria).count()


def read_task_runs(query: queries.TaskRunQuery | queries.TaskRunPageQuery) -> list[TaskRun]:
    task_runs = matching_task_runs(query).order_by(*_TASK_RUN_ORDER[query.sort])
    return list(task_runs[query.offset : query.offset + query.limit])


def count_task_runs(criteria: queries.RunCriteria) -> int:
    return matching_task_runs(criteria).count()


def read_logs(query: queries.LogQuery) -> list[LogLine]:
    lines = LogLine.objects.all()
    if query.logs is not None:
        lines = lines.filter(log_criteria(query.logs))
    lines = lines.order_by(*_LOG_ORDER[query.sort])
    return list(lines[query.offset : query.offset + query.limit])


def _matching_flows(criteria: queries.RunCriteria) -> QuerySet[Flow]:
    flows = Flow.objects.all()
    if criteria.flows is not None:
        flows = flows.filter(flow_criteria(criteria.flows))
    if criteria.flow_runs is not None:
        flows = flows.filter(pk__in=_runs(criteria.flow_runs).values("flow_id"))
    if criteria.deployments is not None:
        flows = flows.filter(pk__in=_deployments(criteria.deployments).values("flow_id"))
    if criteria.task_runs is not None:
        runs = FlowRun.objects.filter(pk__in=_flow_runs_of(criteria.task_runs))
        flows = flows.filter(pk__in=runs.values("flow_id"))
    return flows


def _matching_deployments(criteria: queries.RunCriteria) -> QuerySet[Deployment]:
    deployments = Deployment.objects.select_related("flow", "concurrency_limit")
    if criteria.deployments is not None:
        deployments = deployments.filter(deployment_criteria(criteria.deployments))
    if criteria.flows is not None:
        deployments = deployments.filter(flow__in=_flows(criteria.flows))
    if criteria.flow_runs is not None:
        runs = _runs(criteria.flow_runs).filter(deployment__isnull=False)
        deployments = deployments.filter(pk__in=runs.values("deployment_id"))
    if criteria.task_runs is not None:
        runs = FlowRun.objects.filter(pk__in=_flow_runs_of(criteria.task_runs))
        runs = runs.filter(deployment__isnull=False)
        deployments = deployments.filter(pk__in=runs.values("deployment_id"))
    return deployments


def matching_runs(criteria: queries.RunCriteria) -> QuerySet[FlowRun]:
    runs = FlowRun.objects.select_related("flow")
    if criteria.flow_runs is not None:
        runs = runs.filter(run_criteria(criteria.flow_runs))
    if criteria.flows is not None:
        runs = runs.filter(flow__in=_flows(criteria.flows))
    if criteria.deployments is not None:
        runs = runs.filter(deployment__in=_deployments(criteria.deployments))
    if criteria.task_runs is not None:
        runs = runs.filter(pk__in=_flow_runs_of(criteria.task_runs))
    return runs


def matching_task_runs(criteria: queries.RunCriteria) -> QuerySet[TaskRun]:
    task_runs = TaskRun.objects.all()
    if criteria.task_runs is not None:
        task_runs = task_runs.filter(task_run_criteria(criteria.task_runs))
    if criteria.flow_runs or criteria.flows or criteria.deployments:
        others = criteria.model_copy(update={"task_runs": None})
        task_runs = task_runs.filter(flow_run_id__in=matching_runs(others).values("pk"))
    return task_runs


def _flows(f: filters.FlowFilter) -> QuerySet[Flow]:
    return Flow.objects.filter(flow_criteria(f))


def _deployments(f: filters.DeploymentFilter) -> QuerySet[Deployment]:
    return Deployment.objects.filter(deployment_criteria(f))


def _runs(f: filters.FlowRunFilter) -> QuerySet[FlowRun]:
    return FlowRun.objects.filter(run_criteria(f))


def _flow_runs_of(f: filters.TaskRunFilter) -> QuerySet[TaskRun, UUID | None]:
    """Return the ids of the flow runs that have such task runs."""
    found = TaskRun.objects.filter(task_run_criteria(f), flow_run_id__isnull=False)
    return found.values_list("flow_run_id", flat=True)
