"""Task runs on the wire, in the dialect of Prefect 3.8's REST API."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, field_validator

from flowruns.domain.run_names import new_run_name
from flowruns.domain.states import StateType
from flowruns.wire.base import (
    DateTime,
    JsonObject,
    Name,
    Request,
    Seconds,
    SmallInt,
    Wire,
)
from flowruns.wire.states import State, StateCreate

type Key = Annotated[str, Field(max_length=1000)]
type Count = Annotated[int, Field(ge=0, lt=2**31)]


class TaskRunPolicy(Wire):
    """How a task run retries. Delays are in seconds, one for all retries or one each."""

    max_retries: SmallInt = 0
    retry_delay_seconds: float = 0
    retries: SmallInt | None = None
    retry_delay: SmallInt | list[SmallInt] | None = None
    retry_jitter_factor: float | None = None


class TaskRunCreate(Request):
    id: UUID | None = None
    state: StateCreate | None = None
    name: Name = Field(default_factory=new_run_name)
    flow_run_id: UUID | None = None
    task_key: Key
    dynamic_key: Key
    cache_key: Key | None = None
    cache_expiration: DateTime | None = None
    task_version: Key | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    task_inputs: dict[str, list[JsonObject]] = Field(default_factory=dict)

    @field_validator("name", mode="before")
    @classmethod
    def _name_the_nameless(cls, value: Any) -> Any:
        return value or new_run_name()


class TaskRunUpdate(Request):
    name: Name | None = None


class TaskRun(Wire):
    """A task run as the server has it now."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: DateTime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    state_id: UUID | None = None
    task_inputs: dict[str, list[JsonObject]] = Field(default_factory=dict)
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: Seconds = timedelta(0)
    estimated_run_time: Seconds = timedelta(0)
    estimated_start_time_delta: Seconds = timedelta(0)
    state: State | None = None


class ReportedTaskRun(Wire):
    """A task run as its process tells it in an event, with the counters that it keeps itself."""

    name: Name
    task_key: Key
    dynamic_key: Key
    cache_key: Key | None = None
    cache_expiration: DateTime | None = None
    task_version: Key | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    task_inputs: dict[str, list[JsonObject]] = Field(default_factory=dict)
    run_count: Count = 0
    flow_run_run_count: Count = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: timedelta = Field(timedelta(0), ge=timedelta(0), le=timedelta(days=36_500))
