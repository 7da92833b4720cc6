"""Task runs on the wire, in the dialect of Prefect 3.9's REST API."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from flowruns.domain.run_names import new_run_name
from flowruns.wire.base import (
    DateTime,
    JsonObject,
    Name,
    Request,
    RunName,
    SmallInt,
    Wire,
    read_old_policy,
)
from flowruns.wire.runs import Run
from flowruns.wire.states import StateCreate

# As Prefect 3.9
MAX_DELAYS = 50
MAX_CACHE_KEY = 2000


type _Delay = SmallInt | Annotated[float, Field(ge=-(2**31), lt=2**31)]
type _Delays = _Delay | list[_Delay] | None


def _at_most_fifty(delays: _Delays) -> _Delays:
    if isinstance(delays, list) and len(delays) > MAX_DELAYS:
        raise ValueError(f"Can not configure more than {MAX_DELAYS} retry delays per task.")
    return delays


def _not_negative(factor: float) -> float:
    if factor < 0:
        raise ValueError("`retry_jitter_factor` must be >= 0.")
    return factor


def _within_length(key: str) -> str:
    if len(key) > MAX_CACHE_KEY:
        raise ValueError(
            f"Cache key exceeded maximum allowed length of {MAX_CACHE_KEY} characters."
        )
    return key


type CacheKey = Annotated[str, AfterValidator(_within_length)]
type Key = Annotated[str, Field(max_length=1000)]
type Count = Annotated[int, Field(ge=0, lt=2**31)]


class TaskRunPolicy(Wire):
    """How a task run retries. Delays are in seconds, one for all retries or one each."""

    max_retries: SmallInt = 0
    retry_delay_seconds: float = 0
    retries: SmallInt | None = None
    retry_delay: Annotated[_Delays, AfterValidator(_at_most_fifty)] = None
    retry_jitter_factor: Annotated[float, AfterValidator(_not_negative)] | None = None

    _read_old_names = model_validator(mode="before")(read_old_policy)


class TaskCall(Wire):
    """Which call of which task a task run is, and of what."""

    task_key: Key
    dynamic_key: Key
    cache_key: CacheKey | None = None
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
