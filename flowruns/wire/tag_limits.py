"""Limits of tasks by their tags on the wire, in the dialect of Prefect 3.9's REST API."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from flowruns.wire.base import DateTime, Request, Wire
from flowruns.wire.concurrency import Count, LimitNames

type Tag = Annotated[str, Field(min_length=1, max_length=900)]


class TagLimitCreate(Request):
    tag: Tag
    concurrency_limit: Count


class TagLimit(Wire):
    """How many tasks with a tag run at once, and which hold a slot now."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    tag: str
    concurrency_limit: int
    active_slots: list[UUID] = []


class TagLimitReset(Request):
    """The tasks that hold a slot afterwards: none, unless they are named."""

    slot_override: Annotated[list[UUID], Field(max_length=1000)] | None = None


class TagSlots(Request):
    """A slot of each of these tags for a task."""

    names: LimitNames
    task_run_id: UUID
