"""/block_capabilities"""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond_json
from flowruns.services.blocks import schemas as services

router = Router(tags=["Block capabilities"])


@router.get("/", auth=auth.flows, response=list[str])
def read_block_capabilities(request: HttpRequest) -> HttpResponse:
    return respond_json(services.read_block_capabilities())
