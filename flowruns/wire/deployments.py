"""Deployments on the wire, in the dialect of Prefect 3.9's REST API."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from flowruns.domain.run_names import new_run_name
from flowruns.wire import (
    DateTime,
    FlowRunPolicy,
    JsonObject,
    Name,
    Parameters,
    Request,
    RunName,
    StateCreate,
    Wire,
)
from flowruns.wire.concurrency import ConcurrencyOptions, GlobalConcurrencyLimit, Slots
from flowruns.wire.queries import Limit
from flowruns.wire.schedules import (
    MAX_SCHEDULES,
    DeploymentSchedule,
    ScheduleCreate,
    ScheduleUpdate,
)


class _LimitedOnce(Request):
    """A deployment's limit is either its own or one that others have, too."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_two_limits(cls, data: Any) -> Any:
        both = ("concurrency_limit", "global_concurrency_limit_id")
        if isinstance(data, dict) and all(data.get(name) for name in both):
            raise ValueError(
                "A deployment cannot have both a concurrency limit and a global concurrency limit."
            )
        return data


class DeploymentCreate(_LimitedOnce):
    """A deployment, made or changed under its name. Its schedules take the place of all it had."""

    name: Name
    flow_id: UUID
    paused: bool = False
    enforce_parameter_schema: bool = True
    parameter_openapi_schema: JsonObject | None = Field(default_factory=dict)
    parameters: Parameters = Field(default_factory=dict)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    work_queue_name: str | None = None
    description: str | None = None
    path: str | None = None
    version: str | None = None
    entrypoint: str | None = None
    pull_steps: list[JsonObject] | None = []
    job_variables: JsonObject = Field(default_factory=dict)
    schedules: Annotated[list[ScheduleCreate], Field(max_length=MAX_SCHEDULES)] = []
    concurrency_limit: Slots | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit_id: UUID | None = None
    work_pool_name: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None


class DeploymentUpdate(_LimitedOnce):
    """Only the fields that are present change anything; null where nothing may be null neither."""

    version: str | None = None
    description: str | None = None
    paused: bool | None = None
    parameters: Parameters | None = None
    parameter_openapi_schema: JsonObject | None = None
    tags: list[str] | None = None
    work_queue_name: str | None = None
    path: str | None = None
    job_variables: JsonObject | None = None
    pull_steps: list[JsonObject] | None = None
    entrypoint: str | None = None
    enforce_parameter_schema: bool | None = None
    schedules: Annotated[list[ScheduleUpdate], Field(max_length=MAX_SCHEDULES)] | None = None
    concurrency_limit: Slots | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit_id: UUID | None = None
    work_pool_name: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None


class Deployment(Wire):
    """A deployment as the server has it. `last_polled` is when somebody last asked for its runs."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    version: str | None = None
    description: str | None = None
    flow_id: UUID
    paused: bool = False
    schedules: list[DeploymentSchedule] = []
    concurrency_limit: int | None = None  # as Prefect 3.9 always null: see the next one
    global_concurrency_limit: GlobalConcurrencyLimit | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: JsonObject = Field(default_factory=dict)
    parameters: JsonObject = Field(default_factory=dict)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    work_queue_name: str | None = None
    work_queue_id: UUID | None = None
    work_pool_name: str | None = None
    last_polled: DateTime | None = None
    parameter_openapi_schema: JsonObject | None = None
    path: str | None = None
    pull_steps: list[JsonObject] | None = None
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    status: str | None = None
    enforce_parameter_schema: bool = True


class DeploymentFlowRunCreate(Request):
    """A run of a deployment: what is left out is the deployment's."""

    state: StateCreate | None = None
    name: RunName = Field(default_factory=new_run_name)
    parameters: Parameters = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    context: JsonObject = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    idempotency_key: str | None = Field(None, max_length=1000)
    labels: JsonObject | None = None
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: JsonObject | None = Field(default_factory=dict)


class ScheduledRunsQuery(Request):
    """Whose runs to start, and which are due: scheduled before a time, now if none is given."""

    deployment_ids: Annotated[list[UUID], Field(max_length=1000)]
    scheduled_before: DateTime | None = None
    limit: Limit = 200
