"""Block types on the wire, in the dialect of Prefect 3.9's REST API."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from flowruns.wire.base import DateTime, FlowName, Request, Wire
from flowruns.wire.filters import AnyFilter, Filter, LikeFilter

# Also of the names of blocks; as Prefect's, but not empty
type Slug = Annotated[str, Field(max_length=1000, pattern=r"^[a-z0-9-]+$")]


class BlockTypeCreate(Request):
    """A kind of block that a client knows."""

    name: FlowName
    slug: Slug
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(Request):
    """Only the fields that are present change anything."""

    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None


class BlockType(Wire):
    """A block type as the server has it."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    slug: str
    logo_url: str | None = None
    documentation_url: str | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockTypeFilter(Filter):
    name: LikeFilter | None = None
    slug: AnyFilter | None = None
