"""Block types: what clients register before they save a block of theirs.

There are none until a client brings one, by saving a block or `prefect block register`.
"""

import html
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from flowruns.domain.errors import (
    BlockTypeExists,
    BlockTypeNotFound,
    ProtectedBlockType,
    ReservedBlockType,
)
from flowruns.models import BlockType
from flowruns.services.blocks.criteria import type_criteria
from flowruns.services.lookups import one
from flowruns.wire import block_schemas as wire
from flowruns.wire.block_types import BlockTypeCreate, BlockTypeUpdate

# Prefect's server brings these itself, and deletes them for nobody.
_PROTECTED = {"local-file-system", "secret", "webhook"}


def create_block_type(block_type: BlockTypeCreate) -> BlockType:
    """Store a type; raises `ReservedBlockType` and `BlockTypeExists`.

    Its texts are escaped as HTML, which clients undo (as Prefect 3.9).
    """
    if block_type.name.lower().startswith("prefect"):
        raise ReservedBlockType
    texts = block_type.model_dump()
    for name in ("description", "code_example"):
        texts[name] = None if texts[name] is None else html.escape(texts[name], quote=False)
    try:
        with transaction.atomic():
            return BlockType.objects.create(is_protected=block_type.slug in _PROTECTED, **texts)
    except IntegrityError:
        taken = f'Block type with name "{block_type.name}" already exists'
        raise BlockTypeExists(taken) from None


def read_block_type(block_type_id: UUID) -> BlockType:
    """Return the type; raises `BlockTypeNotFound`."""
    return _find(pk=block_type_id)


def read_block_type_by_slug(slug: str) -> BlockType:
    """Return the type; raises `BlockTypeNotFound`."""
    return _find(slug=slug)


def read_block_types(query: wire.BlockTypeQuery) -> list[BlockType]:
    """Return types by name."""
    found = BlockType.objects.filter(type_criteria(query)).order_by("name", "id")
    return list(found[query.offset : query.offset + query.limit])


def update_block_type(block_type_id: UUID, changes: BlockTypeUpdate) -> None:
    """Change the texts that the client sent; raises `BlockTypeNotFound`."""
    sent = changes.model_dump(exclude_unset=True)
    found = BlockType.objects.filter(pk=block_type_id)
    if not found.update(updated=datetime.now(UTC), **sent):
        raise BlockTypeNotFound


def delete_block_type(block_type_id: UUID) -> None:
    """Delete a type with its schemas and blocks.

    Raises `BlockTypeNotFound` and `ProtectedBlockType`.
    """
    with transaction.atomic():
        block_type = read_block_type(block_type_id)
        if block_type.is_protected:
            raise ProtectedBlockType
        block_type.delete()


def _find(**key: Any) -> BlockType:
    return one(BlockType.objects.filter(**key), BlockTypeNotFound)
