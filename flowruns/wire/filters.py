"""Prefect 3.9's filter objects. What this server does not support is refused by name.

Objects forbid unknown fields, as Prefect's do: a filter that is ignored is a wrong list.
"""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from flowruns.domain.states import StateType
from flowruns.wire import DateTime

# Bounds of what a database takes in one statement, far above what a client has to ask.
type Ids = Annotated[list[UUID], Field(max_length=5000)]
type Names = Annotated[list[str], Field(max_length=5000)]
type Part = Annotated[str, Field(max_length=1000)]


class Operator(StrEnum):
    AND = "and_"
    OR = "or_"


class Filter(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)


class OperatorFilter(Filter):
    operator: Operator = Operator.AND


class IdFilter(Filter):
    any_: Ids | None = None
    not_any_: Ids | None = None


class NameFilter(Filter):
    any_: Names | None = None
    like_: Part | None = None


class FlowTagsFilter(OperatorFilter):
    all_: Names | None = None
    is_null_: bool | None = None


class TagsFilter(FlowTagsFilter):
    any_: Names | None = None


class AnyIdFilter(Filter):
    any_: Ids | None = None


class NullableIdFilter(OperatorFilter):
    any_: Ids | None = None
    is_null_: bool | None = None


class NullableNameFilter(OperatorFilter):
    any_: Names | None = None
    is_null_: bool | None = None


class IsNullFilter(OperatorFilter):
    is_null_: bool | None = None


class StateTypeFilter(Filter):
    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class AnyStateTypeFilter(Filter):
    any_: list[StateType] | None = None


class StateNameFilter(Filter):
    any_: Names | None = None
    not_any_: Names | None = None


class StateFilter(OperatorFilter):
    type: StateTypeFilter | None = None
    name: StateNameFilter | None = None


class AnyFilter(Filter):
    any_: Names | None = None


class TimeFilter(Filter):
    before_: DateTime | None = None
    after_: DateTime | None = None


class NullableTimeFilter(TimeFilter):
    is_null_: bool | None = None


class FlowFilter(OperatorFilter):
    id: IdFilter | None = None
    name: NameFilter | None = None
    tags: FlowTagsFilter | None = None
    deployment: IsNullFilter | None = None


class IdempotencyKeyFilter(Filter):
    any_: Names | None = None
    not_any_: Names | None = None


class CreatedByFilter(OperatorFilter):
    """By who made a run; an id is Prefect Cloud's, so none is ever found."""

    id_: Ids | None = None
    type_: Names | None = None
    is_null_: bool | None = None


class ParentFilter(OperatorFilter):
    any_: Ids | None = None


class FlowRunFilter(OperatorFilter):
    id: IdFilter | None = None
    name: NameFilter | None = None
    tags: TagsFilter | None = None
    deployment_id: NullableIdFilter | None = None
    work_queue_name: NullableNameFilter | None = None
    state: StateFilter | None = None
    flow_version: AnyFilter | None = None
    start_time: NullableTimeFilter | None = None
    end_time: NullableTimeFilter | None = None
    expected_start_time: TimeFilter | None = None
    next_scheduled_start_time: TimeFilter | None = None
    parent_task_run_id: NullableIdFilter | None = None
    idempotency_key: IdempotencyKeyFilter | None = None
    created_by: CreatedByFilter | None = None
    parent_flow_run_id: ParentFilter | None = None


class ExistsFilter(Filter):
    exists_: bool | None = None


class TaskRunStateFilter(OperatorFilter):
    type: AnyStateTypeFilter | None = None
    name: AnyFilter | None = None


class TaskRunFilter(OperatorFilter):
    id: AnyIdFilter | None = None
    name: NameFilter | None = None
    tags: FlowTagsFilter | None = None
    state: TaskRunStateFilter | None = None
    start_time: NullableTimeFilter | None = None
    end_time: NullableTimeFilter | None = None
    expected_start_time: TimeFilter | None = None
    subflow_runs: ExistsFilter | None = None
    flow_run_id: NullableIdFilter | None = None


class LevelFilter(Filter):
    ge_: int | None = None
    le_: int | None = None


class LikeFilter(Filter):
    like_: Part | None = None


class IsFilter(Filter):
    eq_: bool | None = None


def _refuse(value: JsonValue) -> JsonValue:
    """Refuse what this server does not support, except where it is empty and asks for nothing."""
    if _is_empty(value):
        return None
    raise ValueError("is not supported by this server yet; leave it out")


def _is_empty(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return all(name == "operator" or _is_empty(item) for name, item in value.items())
    return value is None or value is False or value == ""


type Unsupported = Annotated[JsonValue, AfterValidator(_refuse)]


class DeploymentFilter(OperatorFilter):
    id: IdFilter | None = None
    name: NameFilter | None = None
    flow_or_deployment_name: LikeFilter | None = None
    paused: IsFilter | None = None
    tags: TagsFilter | None = None
    work_queue_name: AnyFilter | None = None
    concurrency_limit: Unsupported = None


class TextSearch(Filter):
    """Words of which one must be there; `-word` must not, `+word` must, "two words" is one."""

    query: Annotated[str, Field(max_length=200)]


class LogFilter(OperatorFilter):
    level: LevelFilter | None = None
    timestamp: TimeFilter | None = None
    flow_run_id: AnyIdFilter | None = None
    task_run_id: NullableIdFilter | None = None
    name: AnyFilter | None = None
    text: TextSearch | None = None
