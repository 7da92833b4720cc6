"""What a list is asked for: criteria, order, and which part of it."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from flowruns.wire import PAGE_LIMIT, Request, Wire
from flowruns.wire.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    LogFilter,
    TaskRunFilter,
    Unsupported,
)

INVALID_LIMIT = "invalid_limit"


def _within_page(limit: int) -> int:
    """Say what is wrong in Prefect 3.9's words: its `prefect` command looks for them."""
    if limit < 0:
        bound = "greater than or equal to 0."
    elif limit > PAGE_LIMIT:
        bound = f"less than or equal to {PAGE_LIMIT}."
    else:
        return limit
    raise PydanticCustomError(INVALID_LIMIT, "Invalid limit: must be {bound}", {"bound": bound})


# Prefect's client sends null for "as many as you give"
type Limit = Annotated[
    int,
    AfterValidator(_within_page),
    BeforeValidator(lambda value: PAGE_LIMIT if value is None else value),
]
type Offset = Annotated[int, Field(ge=0, lt=2**31)]
type PageNumber = Annotated[int, Field(ge=1, lt=2**24)]


class FlowSort(StrEnum):
    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


class DeploymentSort(StrEnum):
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


class TaskRunSort(StrEnum):
    ID_DESC = "ID_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"
    DURATION_DESC = "DURATION_DESC"
    DURATION_ASC = "DURATION_ASC"


class LogSort(StrEnum):
    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


class Query(Request):
    """A body that selects; a null leaves the choice to the server, as on Prefect's."""

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nulls(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}


class Window(Query):
    """A part of a list, by how many to leave out."""

    limit: Limit = PAGE_LIMIT
    offset: Offset = 0


class PageWindow(Query):
    """A part of a list, by the number of its page."""

    limit: Limit = PAGE_LIMIT
    page: PageNumber = 1

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


class RunCriteria(Query):
    """Which runs: by themselves, their flow, their deployment and their task runs."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    deployments: DeploymentFilter | None = None
    task_runs: TaskRunFilter | None = None
    work_pools: Unsupported = None
    work_pool_queues: Unsupported = None


class FlowOrder(RunCriteria):
    sort: FlowSort = FlowSort.NAME_ASC


class DeploymentOrder(RunCriteria):
    sort: DeploymentSort = DeploymentSort.NAME_ASC


class FlowRunOrder(RunCriteria):
    sort: FlowRunSort = FlowRunSort.ID_DESC


class FlowQuery(FlowOrder, Window): ...


class FlowPageQuery(FlowOrder, PageWindow): ...


class DeploymentQuery(DeploymentOrder, Window): ...


class DeploymentPageQuery(DeploymentOrder, PageWindow): ...


class FlowRunQuery(FlowRunOrder, Window): ...


class FlowRunPageQuery(FlowRunOrder, PageWindow): ...


class TaskRunOrder(RunCriteria):
    sort: TaskRunSort = TaskRunSort.ID_DESC


class TaskRunQuery(TaskRunOrder, Window): ...


class TaskRunPageQuery(TaskRunOrder, PageWindow): ...


class LogQuery(Window):
    logs: LogFilter | None = None
    sort: LogSort = LogSort.TIMESTAMP_ASC


class Page[T](Wire):
    """One page of a list, and how long the whole list is."""

    results: list[T]
    count: int
    limit: int
    pages: int
    page: int

    @classmethod
    def of(cls, results: list[T], *, count: int, query: PageWindow) -> Self:
        pages = -(-count // query.limit) if query.limit else 0
        return cls(results=results, count=count, limit=query.limit, pages=pages, page=query.page)
