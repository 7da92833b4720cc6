"""/admin/storage: where flows keep their results unless they say so."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty
from flowruns.services.blocks import result_storage as services
from flowruns.wire.block_documents import DefaultResultStorage, DefaultResultStorageUpdate

router = Router(tags=["Result storage"])


@router.get("", auth=auth.flows, response=DefaultResultStorage)
def read_default_result_storage(request: HttpRequest) -> HttpResponse:
    """Name the block, which every flow of Prefect's client asks for when it starts, or none."""
    return _respond_storage()


@router.put("", auth=auth.flows, response=DefaultResultStorage)
def set_default_result_storage(
    request: HttpRequest, storage: DefaultResultStorageUpdate
) -> HttpResponse:
    """Name a block. 422 for one that cannot store results."""
    services.set_default_result_storage(storage.default_result_storage_block_id)
    return _respond_storage()


@router.delete("", auth=auth.flows, response={204: None})
def clear_default_result_storage(request: HttpRequest) -> HttpResponse:
    services.clear_default_result_storage()
    return respond_empty()


def _respond_storage() -> HttpResponse:
    found = services.read_default_result_storage()
    return respond(DefaultResultStorage(default_result_storage_block_id=found))
