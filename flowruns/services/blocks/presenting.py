"""Blocks as the API shows them, with the blocks that they refer to."""

import json
from collections.abc import Sequence
from typing import Any

from flowruns.domain.secret_fields import list_secret_fields, mask_secrets
from flowruns.encryption import decrypt
from flowruns.models import BlockDocument, BlockSchema, BlockType
from flowruns.services.blocks.references import Edges, check_bounds, load_edges
from flowruns.wire import block_documents, block_schemas, block_types


def present_block_type(block_type: BlockType) -> block_types.BlockType:
    return block_types.BlockType.model_validate(block_type, from_attributes=True)


def present_block_schema(schema: BlockSchema) -> block_schemas.BlockSchema:
    fields: dict[str, Any] = {"block_schema_references": {}, **json.loads(schema.fields)}
    return block_schemas.BlockSchema(
        id=schema.pk,
        created=schema.created,
        updated=schema.updated,
        checksum=schema.checksum,
        fields=fields,
        block_type_id=schema.block_type_id,
        block_type=present_block_type(schema.block_type),
        capabilities=schema.capabilities,
        version=schema.version,
    )


def present_block_documents(
    documents: Sequence[BlockDocument], *, include_secrets: bool
) -> list[block_documents.BlockDocument]:
    """Show blocks with the values of those they refer to; secrets are masked unless asked for.

    Raises `TooManyBlocks` and `EncryptionKeyChanged`.
    """
    edges = load_edges(document.pk for document in documents)
    return [_present(document, edges, include_secrets) for document in documents]


def present_block_document(
    document: BlockDocument, *, include_secrets: bool = False
) -> block_documents.BlockDocument:
    """Show one block, as `present_block_documents` does."""
    return present_block_documents([document], include_secrets=include_secrets)[0]


def _present(
    document: BlockDocument, edges: Edges, include_secrets: bool
) -> block_documents.BlockDocument:
    check_bounds(document, edges)
    data, references = _unfold(document, edges, include_secrets)
    return block_documents.BlockDocument(
        id=document.pk,
        created=document.created,
        updated=document.updated,
        name=document.name,
        data=data,
        block_schema_id=document.block_schema_id,
        block_schema=present_block_schema(document.block_schema),
        block_type_id=document.block_type_id,
        block_type_name=document.block_type.name,
        block_type=present_block_type(document.block_type),
        block_document_references=references,
        is_anonymous=document.is_anonymous,
    )


def _unfold(
    document: BlockDocument, edges: Edges, include_secrets: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data of a block, and what its fields refer to."""
    data = _read_data(document, include_secrets=include_secrets)
    references: dict[str, Any] = {}
    for edge in edges[document.pk]:
        data[edge.name], inner = _unfold(edge.child, edges, include_secrets)
        references[edge.name] = {"block_document": _describe(edge.child, inner)}
    return data, references


def _describe(child: BlockDocument, references: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(child.pk),
        "name": child.name,
        "block_type": present_block_type(child.block_type).model_dump(mode="json"),
        "is_anonymous": child.is_anonymous,
        "block_document_references": references,
    }


def _read_data(document: BlockDocument, *, include_secrets: bool) -> dict[str, Any]:
    data = decrypt(document.data, of=f"The block {document.name!r}")
    if include_secrets:
        return data
    return mask_secrets(data, list_secret_fields(json.loads(document.block_schema.fields)))
