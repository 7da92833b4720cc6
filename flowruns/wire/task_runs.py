"""Task runs on the wire, in the dialect of Prefect 3.8's REST API."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from flowruns.domain.run_names import new_run_name
from flowruns.wire.base import (
    DateTime,
    JsonObject,
    Name,
    Request,
    RunName,
    SmallInt,
    Wire,
)
from flowruns.wire.runs import Run
from flowruns.wire.states import StateCreate

type Key = Annotated[str, Field(max_length=1000)]
type Count = Annotated[int, Field(ge=0, lt=2**31)]


class TaskRunPolicy(Wire):
    """How a task run retries. Delays are in seconds, one for all retries or one each."""

    max_retries: SmallInt = 0
    retry_delay_seconds: float = 0
    retries: SmallInt | None = None
    retry_delay: SmallInt | list[SmallInt] | None = None
    retry_jitter_factor: float | None = None


class TaskCall(Wire):
    """Which call of which task a task run is, and of what."""

    task_key: Key
    dynamic_key: Key
    cache_key: Key | None = None
    cache_expiration: DateTime | None = None
    task_version: Key | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    task_inputs: dict[str, list[JsonObject]] = Field(default_factory=dict)


class TaskRunCreate(TaskCall, Request):
    id: UUID | None = None
    state: StateCreate | None = None
    name: RunName = Field(default_factory=new_run_name)
    flow_run_id: UUID | None = None


class TaskRunUpdate(Request):
    name: Name | None = None


class TaskRun(TaskCall, Run):
    """A task run as the server has it now."""

    flow_run_id: UUID | None = None
    flow_run_run_count: int = 0


class ReportedTaskRun(TaskCall):
    """A task run as its process tells it in an event, with the counters that it keeps itself."""

    name: Name
    run_count: Count = 0
    flow_run_run_count: Count = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: timedelta = Field(timedelta(0), ge=timedelta(0), le=timedelta(days=36_500))
