"""/automations: there are none, which is what serving processes and the command line ask."""

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic import JsonValue

from flowruns.api import auth
from flowruns.api.http import respond_json
from flowruns.wire.queries import Window

router = Router(tags=["Automations"])


@router.post("/filter", auth=auth.readers, response=list[JsonValue])
def read_automations(request: HttpRequest, query: Window | None = None) -> HttpResponse:
    return respond_json([])


@router.post("/count", auth=auth.readers, response=int)
def count_automations(request: HttpRequest) -> HttpResponse:
    return respond_json(0)


@router.get("/related-to/{resource_id}", auth=auth.readers, response=list[JsonValue])
def read_automations_related_to_resource(request: HttpRequest, resource_id: str) -> HttpResponse:
    return respond_json([])


@router.delete("/owned-by/{resource_id}", auth=auth.flows, response={202: None})
def delete_automations_owned_by_resource(request: HttpRequest, resource_id: str) -> HttpResponse:
    """Delete the automations that a deployment brought with it: a serving process asks first."""
    return respond_json(None, status=202)
