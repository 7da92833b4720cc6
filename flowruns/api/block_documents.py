"""/block_documents"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_json, respond_list
from flowruns.services.blocks import documents as services
from flowruns.services.blocks.presenting import present_block_document, present_block_documents
from flowruns.wire.block_documents import (
    BlockDocument,
    BlockDocumentCreate,
    BlockDocumentCriteria,
    BlockDocumentQuery,
    BlockDocumentUpdate,
)

router = Router(tags=["Block documents"])


@router.post("/", auth=auth.flows, response={201: BlockDocument})
def create_block_document(request: HttpRequest, document: BlockDocumentCreate) -> HttpResponse:
    created = services.create_block_document(document)
    return respond(present_block_document(created), status=201)


@router.post("/filter", auth=auth.flows, response=list[BlockDocument])
def read_block_documents(
    request: HttpRequest, query: BlockDocumentQuery | None = None
) -> HttpResponse:
    query = query or BlockDocumentQuery()
    found = services.read_block_documents(query)
    shown = present_block_documents(found, include_secrets=query.include_secrets)
    return respond_list(BlockDocument, shown)


@router.post("/count", auth=auth.flows, response=int)
def count_block_documents(
    request: HttpRequest, criteria: BlockDocumentCriteria | None = None
) -> HttpResponse:
    return respond_json(services.count_block_documents(criteria or BlockDocumentCriteria()))


@router.get("/{uuid:block_document_id}", auth=auth.flows, response=BlockDocument)
def read_block_document(
    request: HttpRequest, block_document_id: UUID, include_secrets: bool = False
) -> HttpResponse:
    found = services.read_block_document(block_document_id)
    return respond(present_block_document(found, include_secrets=include_secrets))


@router.patch("/{uuid:block_document_id}", auth=auth.flows, response={204: None})
def update_block_document(
    request: HttpRequest, block_document_id: UUID, changes: BlockDocumentUpdate
) -> HttpResponse:
    services.update_block_document(block_document_id, changes)
    return respond_empty()


@router.delete("/{uuid:block_document_id}", auth=auth.flows, response={204: None})
def delete_block_document(request: HttpRequest, block_document_id: UUID) -> HttpResponse:
    services.delete_block_document(block_document_id)
    return respond_empty()
