"""Deployments: flows that a process serves, and the runs it should start."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from pydantic import JsonValue

from flowruns.domain.errors import (
    DeploymentBlockUnknown,
    DeploymentNotFound,
    ParametersRefused,
    PlaceholderRefused,
    WorkPoolNotFound,
)
from flowruns.domain.states import StateType
from flowruns.evaluation.answers import check_parameters
from flowruns.evaluation.hydration import HydrationRefused
from flowruns.evaluation.problems import SchemaUnusable, describe_problem
from flowruns.evaluation.processes import evaluate
from flowruns.models import BlockDocument, Deployment, FlowRun
from flowruns.services.deployments.limits import set_limits
from flowruns.services.deployments.parameters import (
    check_changed_parameters,
    check_new_parameters,
)
from flowruns.services.deployments.schedules import (
    delete_scheduled_runs,
    merge_schedules,
    recheck,
    replace_schedules,
)
from flowruns.services.flows import read_flow
from flowruns.services.labels import label_deployment
from flowruns.services.lookups import one
from flowruns.services.variables import read_variable_value
from flowruns.wire import FlowRunCreate, StateCreate, refuse_unstorable
from flowruns.wire import deployments as wire

# Whoever serves a deployment asks for its runs far more often than this.
_SERVED_WITHIN = timedelta(seconds=90)
_NOTED_WITHIN = timedelta(seconds=5)
_COLUMNS = (
    *("paused", "enforce_parameter_schema", "parameter_openapi_schema", "parameters", "tags"),
    *("labels", "work_queue_name", "description", "path", "version", "entrypoint"),
    *("pull_steps", "job_variables", "storage_document_id", "infrastructure_document_id"),
)

_NULLABLE_COLUMNS = {
    *("parameter_openapi_schema", "work_queue_name", "description", "path", "version"),
    *("entrypoint", "pull_steps", "storage_document_id", "infrastructure_document_id"),
}


def create_deployment(deployment: wire.DeploymentCreate) -> tuple[Deployment, bool]:
    """Make the deployment of that name of its flow, or change it to what is sent.

    As in Prefect 3.9; its schedules are those that are sent, and none if none are. Raises
    `FlowNotFound`, `InvalidParameters`, `WorkPoolNotFound`, `DeploymentBlockUnknown`,
    `InvalidSchedule`, `ScheduleSlugTaken` and `ConcurrencyLimitNotFound`.
    """
    check_new_parameters(deployment)
    refuse_work_pool(deployment.work_pool_name)
    _check_blocks(deployment)
    with transaction.atomic():
        row, is_new = _upsert(deployment)
        recheck(row.pk)
        delete_scheduled_runs(row.pk)
        replace_schedules(row.pk, deployment.schedules)
        set_limits(row, deployment)
        return row, is_new


def _upsert(deployment: wire.DeploymentCreate) -> tuple[Deployment, bool]:
    flow = read_flow(deployment.flow_id)
    values = {name: getattr(deployment, name) for name in _COLUMNS}
    values["labels"] = label_deployment(flow, deployment.labels)
    sent = {name: values[name] for name in _COLUMNS if name in deployment.model_fields_set}
    return Deployment.objects.select_related("flow").update_or_create(
        flow=flow,
        name=deployment.name,
        defaults=sent,
        create_defaults=values,
    )


def refuse_work_pool(name: str | None) -> None:
    """Raise `WorkPoolNotFound` for any, in Prefect 3.9's words: this server has none."""
    if name:
        raise WorkPoolNotFound(name)


def _check_blocks(sent: wire.DeploymentCreate | wire.DeploymentUpdate) -> None:
    named = {"storage": sent.storage_document_id, "infrastructure": sent.infrastructure_document_id}
    for kind, block_id in named.items():
        if block_id and not BlockDocument.objects.filter(pk=block_id).exists():
            raise DeploymentBlockUnknown(
                f"Error creating deployment. Could not find {kind} block with id: {block_id}. This"
                " usually occurs when applying a deployment specification that was built against a"
                " different Prefect database / workspace."
            )


def read_deployment(deployment_id: UUID) -> Deployment:
    """Return the deployment; raises `DeploymentNotFound`."""
    found = (
        Deployment.objects.select_related("flow", "concurrency_limit")
        .filter(pk=deployment_id)
        .first()
    )
    if found is None:
        raise DeploymentNotFound
    return found


def read_deployment_by_name(flow_name: str, name: str) -> Deployment:
    """Return the deployment; raises `DeploymentNotFound`."""
    named = Deployment.objects.select_related("flow", "concurrency_limit").filter(
        flow__name=flow_name, name=name
    )
    return one(named, DeploymentNotFound)


def update_deployment(deployment_id: UUID, changes: wire.DeploymentUpdate) -> None:
    """Change the fields that the client sent (as Prefect 3.9).

    Raises `DeploymentNotFound`, `PlaceholderRefused`, `ParametersRefused`, `WorkPoolNotFound`,
    `DeploymentBlockUnknown`, `InvalidSchedule`, `ScheduleSlugTaken` and `ConcurrencyLimitNotFound`.
    """
    refuse_work_pool(changes.work_pool_name)
    _check_blocks(changes)
    sent = changes.model_dump(include=set(_COLUMNS), exclude_unset=True)
    fields = {
        name: value
        for name, value in sent.items()
        if value is not None or name in _NULLABLE_COLUMNS
    }
    if fields.get("parameters"):
        fields["parameters"] = _hydrate_parameters(fields["parameters"], of="deployment")
    check_changed_parameters(read_deployment(deployment_id), fields)
    with transaction.atomic():
        recheck(deployment_id)
        found = Deployment.objects.filter(pk=deployment_id)
        found.update(updated=datetime.now(UTC), **fields)
        delete_scheduled_runs(deployment_id)
        if changes.schedules is not None:
            merge_schedules(deployment_id, changes.schedules)
        set_limits(found.get(), changes)


def fill_in_flow_run(
    deployment: Deployment, flow_run: wire.DeploymentFlowRunCreate
) -> FlowRunCreate:
    """Complete a run with what its deployment says; by default it is scheduled for now.

    Raises `PlaceholderRefused` and `ParametersRefused`, as Prefect 3.9 answers 400 and 409, and
    `SchemaTooSlow`.
    """
    given = {**deployment.parameters, **flow_run.parameters}
    enforced = flow_run.enforce_parameter_schema
    is_checked = deployment.enforce_parameter_schema if enforced is None else enforced
    schema = (deployment.parameter_openapi_schema or {}) if is_checked else None
    parameters = _hydrate_parameters(given, of="flow run", schema=schema)
    fields = flow_run.model_dump(exclude={"state", "enforce_parameter_schema", "parameters"})
    return FlowRunCreate(
        **fields
        | {
            "flow_id": deployment.flow_id,
            "deployment_id": deployment.pk,
            "state": flow_run.state or StateCreate(type=StateType.SCHEDULED),
            "parameters": parameters,
            "tags": [*deployment.tags, *flow_run.tags],
            "infrastructure_document_id": (
                flow_run.infrastructure_document_id or deployment.infrastructure_document_id
            ),
            "job_variables": {**deployment.job_variables, **(flow_run.job_variables or {})},
            "work_queue_name": flow_run.work_queue_name or deployment.work_queue_name,
        }
    )


def _hydrate_parameters(
    parameters: dict[str, JsonValue], *, of: str, schema: dict[str, JsonValue] | None = None
) -> dict[str, JsonValue]:
    """Replace placeholders, and hold the result against a schema if there is one.

    Whoever sends parameters runs flows, and so may read variables.
    """
    try:
        checked = evaluate(check_parameters, parameters, schema, find_variable=read_variable_value)
        refuse_unstorable(checked.value)
    except SchemaUnusable as error:
        raise ParametersRefused(f"Error creating flow run: {error}") from None
    except (HydrationRefused, ValueError) as refusal:
        raise PlaceholderRefused(f"Error hydrating {of} parameters: {refusal}") from None
    if checked.problems:
        problem = describe_problem(checked.problems[0])
        raise ParametersRefused(f"Error creating flow run: {problem}")
    return checked.value


def select_scheduled_flow_runs(query: wire.ScheduledRunsQuery) -> QuerySet[FlowRun]:
    """Select runs that are due, soonest first, and note that their deployments are served."""
    now = datetime.now(UTC)
    served = Deployment.objects.filter(pk__in=query.deployment_ids)
    # What was noted just now is not written again: each write waits for the disk
    served.exclude(last_polled__gte=now - _NOTED_WITHIN).update(last_polled=now)
    due = due_flow_runs(query.deployment_ids)
    due = due.filter(next_scheduled_start_time__lte=query.scheduled_before or now)
    return due[: query.limit]


def due_flow_runs(deployment_ids: list[UUID]) -> QuerySet[FlowRun]:
    """Return what these deployments should start, soonest first, also what is not due yet."""
    scheduled = FlowRun.objects.filter(
        deployment__in=deployment_ids,
        state_type=StateType.SCHEDULED,
        next_scheduled_start_time__isnull=False,
    )
    return scheduled.order_by(F("next_scheduled_start_time").asc(), "id")


def is_served(deployment: Deployment) -> bool:
    """Whether somebody has lately asked for the deployment's runs."""
    polled = deployment.last_polled
    return polled is not None and datetime.now(UTC) - polled < _SERVED_WITHIN
