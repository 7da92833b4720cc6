"""/block_schemas"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_list
from flowruns.services.blocks import schemas as services
from flowruns.services.blocks.presenting import present_block_schema
from flowruns.wire.block_schemas import BlockSchema, BlockSchemaCreate, BlockSchemaQuery

router = Router(tags=["Block schemas"])


@router.post("/", auth=auth.flows, response={200: BlockSchema, 201: BlockSchema})
def create_block_schema(request: HttpRequest, block_schema: BlockSchemaCreate) -> HttpResponse:
    """Store a schema; 200 with the one that is there for the same checksum and version."""
    kept, is_new = services.create_block_schema(block_schema)
    return respond(present_block_schema(kept), status=201 if is_new else 200)


@router.post("/filter", auth=auth.flows, response=list[BlockSchema])
def read_block_schemas(request: HttpRequest, query: BlockSchemaQuery | None = None) -> HttpResponse:
    found = services.read_block_schemas(query or BlockSchemaQuery())
    return respond_list(BlockSchema, [present_block_schema(each) for each in found])


@router.get("/checksum/{checksum}", auth=auth.flows, response=BlockSchema)
def read_block_schema_by_checksum(
    request: HttpRequest, checksum: str, version: str | None = None
) -> HttpResponse:
    found = services.read_block_schema_by_checksum(checksum, version=version)
    return respond(present_block_schema(found))


@router.get("/{uuid:block_schema_id}", auth=auth.flows, response=BlockSchema)
def read_block_schema(request: HttpRequest, block_schema_id: UUID) -> HttpResponse:
    return respond(present_block_schema(services.read_block_schema(block_schema_id)))


@router.delete("/{uuid:block_schema_id}", auth=auth.flows, response={204: None})
def delete_block_schema(request: HttpRequest, block_schema_id: UUID) -> HttpResponse:
    """Delete a schema with its blocks. 403 for one of a protected type."""
    services.delete_block_schema(block_schema_id)
    return respond_empty()
