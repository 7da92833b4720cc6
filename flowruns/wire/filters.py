"""Prefect 3.8's filter objects. What this server does not support is refused by name.

Objects forbid unknown fields, as Prefect's do: a filter that is ignored is a wrong list.
"""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, field_validator

from flowruns.domain.states import StateType
from flowruns.wire import PAGE_LIMIT, DateTime, Request

# Prefect's client sends null for "as many as you give"
type Limit = Annotated[
    int,
    Field(ge=0, le=PAGE_LIMIT),
    BeforeValidator(lambda value: PAGE_LIMIT if value is None else value),
]
type Offset = Annotated[int, Field(ge=0, lt=2**31)]
# Bounds of what a database takes in one statement, far above what a client has to ask.
type Ids = Annotated[list[UUID], Field(max_length=5000)]
type Names = Annotated[list[str], Field(max_length=5000)]
type Part = Annotated[str, Field(max_length=1000)]
type Page = Annotated[int, Field(ge=1, lt=2**24)]


class Operator(StrEnum):
    AND = "and_"
    OR = "or_"


class Filter(BaseModel):
    model_config = ConfigDict(extra="forbid")


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


class StateTypeFilter(Filter):
    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


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
    deployment: JsonValue = None

    @field_validator("deployment")
    @classmethod
    def _unsupported(cls, value: JsonValue) -> JsonValue:
        return refuse(value)


class IdempotencyKeyFilter(Filter):
    any_: Names | None = None
    not_any_: Names | None = None


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
    parent_flow_run_id: JsonValue = None
    created_by: JsonValue = None

    @field_validator("parent_flow_run_id", "created_by")
    @classmethod
    def _unsupported(cls, value: JsonValue) -> JsonValue:
        return refuse(value)


class LevelFilter(Filter):
    ge_: int | None = None
    le_: int | None = None


class LogFilter(OperatorFilter):
    level: LevelFilter | None = None
    timestamp: TimeFilter | None = None
    flow_run_id: AnyIdFilter | None = None
    task_run_id: NullableIdFilter | None = None
    name: AnyFilter | None = None
    text: JsonValue = None

    @field_validator("text")
    @classmethod
    def _unsupported(cls, value: JsonValue) -> JsonValue:
        return refuse(value)


class FlowSort(StrEnum):
    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


class FlowRunSort(StrEnum):
    ID_DESC = "ID_DESC"
    START_TIME_ASC = "START_TIME_ASC"
    START_TIME_DESC = "START_TIME_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"


class LogSort(StrEnum):
    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


class RunCriteria(Request):
    """Which runs: by themselves and by their flow. Other kinds of object are not kept here."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: JsonValue = None
    deployments: JsonValue = None
    work_pools: JsonValue = None
    work_pool_queues: JsonValue = None

    @field_validator("task_runs", "deployments", "work_pools", "work_pool_queues")
    @classmethod
    def _unsupported(cls, value: JsonValue) -> JsonValue:
        return refuse(value)


class FlowQuery(RunCriteria):
    sort: FlowSort = FlowSort.NAME_ASC
    limit: Limit = PAGE_LIMIT
    offset: Offset = 0


class FlowRunQuery(RunCriteria):
    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: Limit = PAGE_LIMIT
    offset: Offset = 0


class FlowRunPageQuery(RunCriteria):
    sort: FlowRunSort = FlowRunSort.ID_DESC
    limit: Limit = PAGE_LIMIT
    page: Page = 1


class LogQuery(Request):
    logs: LogFilter | None = None
    sort: LogSort = LogSort.TIMESTAMP_ASC
    limit: Limit = PAGE_LIMIT
    offset: Offset = 0


def refuse(value: JsonValue) -> JsonValue:
    """Refuse what this server does not support, except where it is empty and asks for nothing."""
    if _is_empty(value):
        return None
    raise ValueError("is not supported by this server yet; leave it out")


def _is_empty(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return all(name == "operator" or _is_empty(item) for name, item in value.items())
    return value is None
