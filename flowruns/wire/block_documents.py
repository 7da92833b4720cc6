"""Blocks with their values on the wire, in the dialect of Prefect 3.9's REST API."""

from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from flowruns.wire.base import DateTime, JsonObject, Request, Wire
from flowruns.wire.block_schemas import BlockSchema, BlockTypeCriteria
from flowruns.wire.block_types import BlockType, Slug
from flowruns.wire.filters import AnyIdFilter, IsFilter, NameFilter, OperatorFilter
from flowruns.wire.queries import Window


class BlockDocumentCreate(Request):
    """Values under a name; a value may be `{"$ref": {"block_document_id": …}}`, another block."""

    name: Slug | None = None
    data: JsonObject = Field(default_factory=dict)
    block_schema_id: UUID
    block_type_id: UUID
    is_anonymous: bool = False

    @model_validator(mode="after")
    def _require_name(self) -> Self:
        if not self.is_anonymous and self.name is None:
            raise ValueError("name is required for a block that is not anonymous")
        return self


class BlockDocumentUpdate(Request):
    """New values, beside those that are there or, without `merge_existing_data`, instead."""

    block_schema_id: UUID | None = None
    data: JsonObject = Field(default_factory=dict)
    merge_existing_data: bool = True


class BlockDocument(Wire):
    """A block as the server has it.

    `data` holds the values of the blocks it refers to, `block_document_references` says which
    those are.
    """

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str | None = None
    data: JsonObject = Field(default_factory=dict)
    block_schema_id: UUID
    block_schema: BlockSchema | None = None
    block_type_id: UUID
    block_type_name: str | None = None
    block_type: BlockType | None = None
    block_document_references: dict[str, JsonObject] = Field(default_factory=dict)
    is_anonymous: bool = False


class BlockDocumentFilter(OperatorFilter):
    """Without `is_anonymous` none is found that a client made for itself; null finds all."""

    id: AnyIdFilter | None = None
    is_anonymous: IsFilter | None = Field(default_factory=lambda: IsFilter(eq_=False))
    block_type_id: AnyIdFilter | None = None
    name: NameFilter | None = None


class BlockDocumentSort(StrEnum):
    NAME_DESC = "NAME_DESC"
    NAME_ASC = "NAME_ASC"
    BLOCK_TYPE_AND_NAME_ASC = "BLOCK_TYPE_AND_NAME_ASC"


class BlockDocumentCriteria(BlockTypeCriteria):
    """Which blocks: by themselves, their type and their schema."""

    block_documents: BlockDocumentFilter = Field(default_factory=BlockDocumentFilter)


class BlockDocumentQuery(BlockDocumentCriteria, Window):
    include_secrets: bool = False
    sort: BlockDocumentSort = BlockDocumentSort.NAME_ASC


class DefaultResultStorage(Wire):
    """Where flows keep their results unless they say so: the id of a block, or none."""

    default_result_storage_block_id: UUID | None = None


class DefaultResultStorageUpdate(Request):
    default_result_storage_block_id: UUID
