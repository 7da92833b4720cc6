"""Block schemas: the fields of block types, found again by their checksum."""

import json
from uuid import UUID

from django.db import IntegrityError, transaction

from flowruns.domain.block_schemas import (
    UNVERSIONED,
    Fields,
    checksum_of,
    fields_of_nested,
    list_nested,
)
from flowruns.domain.errors import (
    BlockSchemaNotFound,
    BlockTypeNotFound,
    InvalidBlockSchema,
    NestedTypeUnknown,
    ProtectedBlockType,
)
from flowruns.models import BlockSchema, BlockType
from flowruns.services.blocks.criteria import schema_criteria
from flowruns.services.blocks.types import read_block_type
from flowruns.services.lookups import one
from flowruns.wire.block_schemas import BlockSchemaCreate, BlockSchemaQuery

_MAX_NESTED = 100


def create_block_schema(schema: BlockSchemaCreate) -> tuple[BlockSchema, bool]:
    """Store a schema and those nested in it, and say whether it is new.

    Raises `BlockTypeNotFound`, `NestedTypeUnknown` and `InvalidBlockSchema`.
    """
    with transaction.atomic():
        try:
            block_type = read_block_type(schema.block_type_id)
        except BlockTypeNotFound:
            raise BlockTypeNotFound(f"Block type {schema.block_type_id} not found.") from None
        kept, is_new = _keep(block_type, schema.fields, schema.version, schema.capabilities)
        if is_new:
            _keep_nested(schema.fields)
        return kept, is_new


def read_block_schema(schema_id: UUID) -> BlockSchema:
    """Return the schema; raises `BlockSchemaNotFound`."""
    return one(
        BlockSchema.objects.select_related("block_type").filter(pk=schema_id), BlockSchemaNotFound
    )


def read_block_schema_by_checksum(checksum: str, *, version: str | None) -> BlockSchema:
    """Return the newest schema of that checksum; raises `BlockSchemaNotFound`."""
    found = _find(checksum, version)
    if found is None:
        raise BlockSchemaNotFound
    return found


def read_block_schemas(query: BlockSchemaQuery) -> list[BlockSchema]:
    """Return schemas, the newest first."""
    found = BlockSchema.objects.select_related("block_type").order_by("-created", "-id")
    if query.block_schemas is not None:
        found = found.filter(schema_criteria(query.block_schemas))
    return list(found[query.offset : query.offset + query.limit])


def delete_block_schema(schema_id: UUID) -> None:
    """Delete a schema with its blocks; raises `BlockSchemaNotFound` and `ProtectedBlockType`."""
    with transaction.atomic():
        schema = read_block_schema(schema_id)
        if schema.block_type.is_protected:
            raise ProtectedBlockType("Block schemas for protected block types cannot be deleted.")
        schema.delete()


def read_block_capabilities() -> list[str]:
    """Return what blocks can do, by the schemas that are known."""
    listed = BlockSchema.objects.values_list("capabilities", flat=True).distinct()
    return sorted({capability for capabilities in listed for capability in capabilities})


def _keep(
    block_type: BlockType, fields: Fields, version: str, capabilities: list[str]
) -> tuple[BlockSchema, bool]:
    checksum = checksum_of(fields)
    if found := _find(checksum, version):
        return found, False
    new = BlockSchema(
        block_type=block_type,
        checksum=checksum,
        version=version,
        fields=json.dumps(fields, ensure_ascii=False),
        capabilities=capabilities,
    )
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError:  # another client was faster
        return read_block_schema_by_checksum(checksum, version=version), False
    return new, True


def _keep_nested(fields: Fields) -> None:
    """Store the schemas nested in this one, at any depth, which are not known yet."""
    pending, count = [fields], 0
    while pending:
        outer = pending.pop()
        for nested in list_nested(outer):
            count += 1
            if count > _MAX_NESTED:
                raise InvalidBlockSchema(f"fields nest more than {_MAX_NESTED} block schemas.")
            block_type = BlockType.objects.filter(slug=nested.type_slug).first()
            if block_type is None:
                raise NestedTypeUnknown(
                    f"The block schema nests the block type {nested.type_slug!r}, which is not"
                    " known here; register that one first."
                )
            if _find(nested.checksum, None) is None:
                inner = fields_of_nested(outer, nested)
                _, is_new = _keep(block_type, inner, UNVERSIONED, [])
                pending += [inner] if is_new else []


def _find(checksum: str, version: str | None) -> BlockSchema | None:
    found = BlockSchema.objects.select_related("block_type").filter(checksum=checksum)
    if version is not None:
        found = found.filter(version=version)
    return found.order_by("-created", "-id").first()
