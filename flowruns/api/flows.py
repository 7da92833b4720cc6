"""/flows"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.http import respond, respond_list
from flowruns.models import Flow
from flowruns.services import flows as services
from flowruns.services import queries
from flowruns.wire.filters import FlowQuery

router = Router(tags=["Flows"])


@router.post("/", auth=auth.flows, response={200: wire.Flow, 201: wire.Flow})
def create_flow(request: HttpRequest, flow: wire.FlowCreate) -> HttpResponse:
    created, is_new = services.create_flow(flow)
    return respond(_present(created), status=201 if is_new else 200)


@router.post("/filter", auth=auth.readers, response=list[wire.Flow])
def read_flows(request: HttpRequest, query: FlowQuery | None = None) -> HttpResponse:
    flows = queries.read_flows(query or FlowQuery())
    return respond_list(wire.Flow, [_present(flow) for flow in flows])


@router.get("/name/{path:name}", auth=auth.readers, response=wire.Flow)
def read_flow_by_name(request: HttpRequest, name: str) -> HttpResponse:
    return respond(_present(services.read_flow_by_name(name)))


@router.get("/{uuid:flow_id}", auth=auth.readers, response=wire.Flow)
def read_flow(request: HttpRequest, flow_id: UUID) -> HttpResponse:
    return respond(_present(services.read_flow(flow_id)))


def _present(flow: Flow) -> wire.Flow:
    return wire.Flow(
        id=flow.pk,
        created=flow.created,
        updated=flow.updated,
        name=flow.name,
        tags=flow.tags,
        labels=flow.labels,
    )
