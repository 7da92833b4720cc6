"""Block schemas on the wire, in the dialect of Prefect 3.9's REST API."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from flowruns.domain.block_schemas import UNVERSIONED
from flowruns.wire.base import DateTime, JsonObject, Request, Wire
from flowruns.wire.block_types import BlockType, BlockTypeFilter
from flowruns.wire.filters import AnyFilter, AnyIdFilter, Filter, Names, OperatorFilter
from flowruns.wire.queries import Query, Window

type Capabilities = Annotated[list[str], Field(max_length=1000)]


class BlockSchemaCreate(Request):
    """The fields of a block type in one release of it, as JSON schema."""

    fields: JsonObject = Field(default_factory=dict)
    block_type_id: UUID
    capabilities: Capabilities = []
    version: Annotated[str, Field(max_length=1000)] = UNVERSIONED


class BlockSchema(Wire):
    """A block schema as the server has it."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    checksum: str
    fields: JsonObject = Field(default_factory=dict)
    block_type_id: UUID | None
    block_type: BlockType | None = None
    capabilities: list[str] = []
    version: str = UNVERSIONED


class CapabilityFilter(Filter):
    all_: Names | None = None


class BlockSchemaFilter(OperatorFilter):
    block_type_id: AnyIdFilter | None = None
    block_capabilities: CapabilityFilter | None = None
    id: AnyIdFilter | None = None
    version: AnyFilter | None = None


class BlockSchemaQuery(Window):
    block_schemas: BlockSchemaFilter | None = None


class BlockTypeCriteria(Query):
    """Which block types: by themselves, and by their schemas."""

    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class BlockTypeQuery(BlockTypeCriteria, Window): ...
