"""Flows, their runs, and what belongs to a run: inputs and logs."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from flowruns.domain.run_names import new_run_name
from flowruns.domain.states import StateType
from flowruns.wire.base import (
    PAGE_LIMIT,
    DateTime,
    FlowName,
    InputKey,
    JsonObject,
    Name,
    Parameters,
    Request,
    RunName,
    Seconds,
    SmallInt,
    Wire,
    read_old_policy,
)
from flowruns.wire.states import State, StateCreate


class FlowCreate(Request):
    name: FlowName
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)


class FlowUpdate(Request):
    tags: list[str] = []


class Flow(Wire):
    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)


class FlowRunPolicy(Wire):
    """How a run retries, and which pauses it has seen. `retry_delay` is in seconds."""

    max_retries: SmallInt = 0
    retry_delay_seconds: float = 0
    retries: SmallInt | None = None
    retry_delay: SmallInt | None = None
    pause_keys: list[str] | None = Field(default_factory=list)
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None

    _read_old_names = model_validator(mode="before")(read_old_policy)


class FlowRunCreate(Request):
    state: StateCreate | None = None
    name: RunName = Field(default_factory=new_run_name)
    flow_id: UUID
    flow_version: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    context: JsonObject = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    idempotency_key: str | None = Field(None, max_length=1000)
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: JsonObject | None = None
    deployment_id: UUID | None = None


class FlowRunUpdate(Request):
    """Only the fields that are present change anything."""

    name: Name | None = None
    flow_version: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    infrastructure_pid: str | None = Field(None, max_length=1000)
    job_variables: JsonObject | None = None


class CreatedBy(Wire):
    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class Run(Wire):
    """A run of a flow or a task as the server has it now."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    state_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    state: State | None = None
    run_count: int = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: Seconds = timedelta(0)
    estimated_run_time: Seconds = timedelta(0)
    estimated_start_time_delta: Seconds = timedelta(0)


class FlowRun(Run):
    flow_id: UUID
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: JsonObject = Field(default_factory=dict)
    idempotency_key: str | None = None
    context: JsonObject = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    parent_task_run_id: UUID | None = None
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: CreatedBy | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    job_variables: JsonObject | None = None


class Resume(Request):
    """`run_input` answers the schema that the pause stored."""

    run_input: JsonObject | None = None


class RunInputCreate(Request):
    key: InputKey = Field(max_length=1000)
    value: str
    sender: str | None = Field(None, max_length=1000)


class RunInputFilter(Request):
    prefix: str
    limit: Annotated[int, Field(ge=0, le=PAGE_LIMIT)] = 1
    exclude_keys: list[str] = []


class RunInput(Wire):
    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    flow_run_id: UUID
    key: str
    value: str
    sender: str | None = None


class LogCreate(Wire):
    """A log line; a NUL in its message is shown as U+FFFD rather than lost with its batch."""

    name: str
    level: SmallInt
    message: str
    timestamp: DateTime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    @field_validator("name", "message")
    @classmethod
    def _show_nul(cls, value: str) -> str:
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")


class Log(LogCreate):
    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
