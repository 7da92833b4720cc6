"""Blocks: values that flows save under a name and load again."""

import json
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from flowruns.domain.errors import BlockDocumentNotFound, BlockExists, InvalidReference
from flowruns.domain.secret_fields import keep_masked, list_secret_fields
from flowruns.encryption import decrypt, encrypt
from flowruns.models import BlockDocument, BlockSchema
from flowruns.services.blocks.criteria import document_criteria
from flowruns.services.blocks.references import keep_references, split_references
from flowruns.services.blocks.schemas import read_block_schema
from flowruns.services.blocks.types import read_block_type, read_block_type_by_slug
from flowruns.services.lookups import one
from flowruns.wire import block_documents as wire

_ORDER = {
    wire.BlockDocumentSort.NAME_ASC: ("name", "id"),
    wire.BlockDocumentSort.NAME_DESC: ("-name", "-id"),
    wire.BlockDocumentSort.BLOCK_TYPE_AND_NAME_ASC: ("block_type__name", "name", "id"),
}


def create_block_document(document: wire.BlockDocumentCreate) -> BlockDocument:
    """Store a block.

    Raises `BlockExists`, `BlockTypeNotFound`, `BlockSchemaNotFound`, and as `keep_references`.
    """
    values, references = split_references(document.data)
    with transaction.atomic():
        new = BlockDocument(
            name=document.name or f"anonymous-{uuid4()}",
            block_type=read_block_type(document.block_type_id),
            block_schema=read_block_schema(document.block_schema_id),
            is_anonymous=document.is_anonymous,
            data=encrypt(values),
        )
        try:
            with transaction.atomic():
                new.save(force_insert=True)
        except IntegrityError:
            raise BlockExists from None
        keep_references(new, references)
        return new


def read_block_document(document_id: UUID) -> BlockDocument:
    """Return the block; raises `BlockDocumentNotFound`."""
    return one(_documents().filter(pk=document_id), BlockDocumentNotFound)


def read_block_document_by_name(slug: str, name: str) -> BlockDocument:
    """Return the block of a type; raises `BlockDocumentNotFound`."""
    return one(_documents().filter(block_type__slug=slug, name=name), BlockDocumentNotFound)


def read_block_documents(query: wire.BlockDocumentQuery) -> list[BlockDocument]:
    found = _documents().filter(document_criteria(query)).order_by(*_ORDER[query.sort])
    return list(found[query.offset : query.offset + query.limit])


def read_block_documents_of_type(slug: str) -> list[BlockDocument]:
    """Return the blocks of a type that have a name; raises `BlockTypeNotFound`."""
    block_type = read_block_type_by_slug(slug)
    return list(_documents().filter(block_type=block_type, is_anonymous=False).order_by("name"))


def count_block_documents(criteria: wire.BlockDocumentCriteria) -> int:
    return BlockDocument.objects.filter(document_criteria(criteria)).count()


def update_block_document(document_id: UUID, changes: wire.BlockDocumentUpdate) -> None:
    """Change values of a block; a masked secret that comes back stays as it was.

    Values that are not sent stay, references to other blocks too, unless the client asks for the
    new ones instead of the old. Raises `BlockDocumentNotFound`, `BlockSchemaNotFound`,
    `InvalidReference` and `EncryptionKeyChanged`.
    """
    values, references = split_references(changes.data)
    with transaction.atomic():
        document = _read_to_change(document_id)
        document.block_schema = _read_new_schema(document, changes.block_schema_id)
        _change_values(document, values, references, is_merged=changes.merge_existing_data)
        kept = set() if changes.merge_existing_data else _list_references(document)
        keep_references(document, references, drop=kept | set(values))
        document.save()


def delete_block_document(document_id: UUID) -> None:
    """Delete a block; those that refer to it lose that field. Raises `BlockDocumentNotFound`."""
    deleted, _ = BlockDocument.objects.filter(pk=document_id).delete()
    if not deleted:
        raise BlockDocumentNotFound


def encrypt_anew() -> int:
    """Encrypt every block with the first of the server's keys, and return how many there are.

    Raises `EncryptionKeyChanged`, before it has changed any.
    """
    with transaction.atomic():
        documents = list(BlockDocument.objects.select_for_update())
        for document in documents:
            document.data = encrypt(decrypt(document.data, of=f"The block {document.name!r}"))
        BlockDocument.objects.bulk_update(documents, ["data"], batch_size=200)
        return len(documents)


def _documents() -> QuerySet[BlockDocument]:
    return BlockDocument.objects.select_related("block_type", "block_schema__block_type")


def _read_to_change(document_id: UUID) -> BlockDocument:
    found = BlockDocument.objects.select_for_update(of=("self",)).select_related("block_schema")
    return one(found.filter(pk=document_id), BlockDocumentNotFound)


def _read_new_schema(document: BlockDocument, schema_id: UUID | None) -> BlockSchema:
    if schema_id is None or schema_id == document.block_schema_id:
        return document.block_schema
    schema = read_block_schema(schema_id)
    if schema.block_type_id != document.block_type_id:
        raise InvalidReference("A block can only move to another schema of its own block type.")
    return schema


def _change_values(
    document: BlockDocument, values: dict[str, Any], references: dict[str, UUID], *, is_merged: bool
) -> None:
    stored = decrypt(document.data, of=f"The block {document.name!r}")
    secret_fields = list_secret_fields(json.loads(document.block_schema.fields))
    new = keep_masked(values, stored, secret_fields)
    kept = stored if is_merged else {}
    merged = {name: value for name, value in (kept | new).items() if name not in references}
    document.data = encrypt(merged)


def _list_references(document: BlockDocument) -> set[str]:
    return set(document.references.values_list("name", flat=True))
