"""/block_types"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_list
from flowruns.services.blocks import types as services
from flowruns.services.blocks.documents import (
    read_block_document_by_name,
    read_block_documents_of_type,
)
from flowruns.services.blocks.presenting import (
    present_block_document,
    present_block_documents,
    present_block_type,
)
from flowruns.wire.block_documents import BlockDocument
from flowruns.wire.block_schemas import BlockTypeQuery
from flowruns.wire.block_types import BlockType, BlockTypeCreate, BlockTypeUpdate

router = Router(tags=["Block types"])


@router.post("/", auth=auth.flows, response={201: BlockType})
def create_block_type(request: HttpRequest, block_type: BlockTypeCreate) -> HttpResponse:
    return respond(present_block_type(services.create_block_type(block_type)), status=201)


@router.post("/filter", auth=auth.flows, response=list[BlockType])
def read_block_types(request: HttpRequest, query: BlockTypeQuery | None = None) -> HttpResponse:
    found = services.read_block_types(query or BlockTypeQuery())
    return respond_list(BlockType, [present_block_type(each) for each in found])


@router.get("/slug/{slug}", auth=auth.flows, response=BlockType)
def read_block_type_by_slug(request: HttpRequest, slug: str) -> HttpResponse:
    return respond(present_block_type(services.read_block_type_by_slug(slug)))


@router.get("/slug/{slug}/block_documents", auth=auth.flows, response=list[BlockDocument])
def read_block_documents_for_block_type(
    request: HttpRequest, slug: str, include_secrets: bool = False
) -> HttpResponse:
    found = read_block_documents_of_type(slug)
    shown = present_block_documents(found, include_secrets=include_secrets)
    return respond_list(BlockDocument, shown)


@router.get(
    "/slug/{slug}/block_documents/name/{block_document_name}",
    auth=auth.flows,
    response=BlockDocument,
)
def read_block_document_by_name_for_block_type(
    request: HttpRequest, slug: str, block_document_name: str, include_secrets: bool = False
) -> HttpResponse:
    found = read_block_document_by_name(slug, block_document_name)
    return respond(present_block_document(found, include_secrets=include_secrets))


@router.get("/{uuid:block_type_id}", auth=auth.flows, response=BlockType)
def read_block_type(request: HttpRequest, block_type_id: UUID) -> HttpResponse:
    return respond(present_block_type(services.read_block_type(block_type_id)))


@router.patch("/{uuid:block_type_id}", auth=auth.flows, response={204: None})
def update_block_type(
    request: HttpRequest, block_type_id: UUID, changes: BlockTypeUpdate
) -> HttpResponse:
    services.update_block_type(block_type_id, changes)
    return respond_empty()


@router.delete("/{uuid:block_type_id}", auth=auth.flows, response={204: None})
def delete_block_type(request: HttpRequest, block_type_id: UUID) -> HttpResponse:
    """Delete a type with its schemas and blocks. 403 for one that is protected."""
    services.delete_block_type(block_type_id)
    return respond_empty()
