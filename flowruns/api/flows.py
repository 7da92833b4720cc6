"""/flows"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.auth import actor_of
from flowruns.api.http import respond, respond_empty, respond_json, respond_list
from flowruns.models import Flow
from flowruns.services import flows as services
from flowruns.services import queries
from flowruns.services.runs import flow_runs
from flowruns.wire.queries import FlowPageQuery, FlowQuery, Page, RunCriteria

router = Router(tags=["Flows"])


@router.post("/", auth=auth.flows, response={200: wire.Flow, 201: wire.Flow})
def create_flow(request: HttpRequest, flow: wire.FlowCreate) -> HttpResponse:
    created, is_new = services.create_flow(flow)
    return respond(_present(created), status=201 if is_new else 200)


@router.post("/filter", auth=auth.readers, response=list[wire.Flow])
def read_flows(request: HttpRequest, query: FlowQuery | None = None) -> HttpResponse:
    flows = queries.read_flows(query or FlowQuery())
    return respond_list(wire.Flow, [_present(flow) for flow in flows])


@router.post("/count", auth=auth.readers, response=int)
def count_flows(request: HttpRequest, criteria: RunCriteria | None = None) -> HttpResponse:
    return respond_json(queries.count_flows(criteria or RunCriteria()))


@router.post("/paginate", auth=auth.readers, response=Page[wire.Flow])
def paginate_flows(request: HttpRequest, query: FlowPageQuery | None = None) -> HttpResponse:
    query = query or FlowPageQuery()
    flows = [_present(flow) for flow in queries.read_flows(query)]
    return respond(Page[wire.Flow].of(flows, count=queries.count_flows(query), query=query))


@router.get("/name/{path:name}", auth=auth.readers, response=wire.Flow)
def read_flow_by_name(request: HttpRequest, name: str) -> HttpResponse:
    return respond(_present(services.read_flow_by_name(name)))


@router.get("/{uuid:flow_id}", auth=auth.readers, response=wire.Flow)
def read_flow(request: HttpRequest, flow_id: UUID) -> HttpResponse:
    return respond(_present(services.read_flow(flow_id)))


@router.patch("/{uuid:flow_id}", auth=auth.flows, response={204: None})
def update_flow(request: HttpRequest, flow_id: UUID, changes: wire.FlowUpdate) -> HttpResponse:
    services.update_flow(flow_id, changes)
    return respond_empty()


@router.delete("/{uuid:flow_id}", auth=auth.flows, response={204: None})
def delete_flow(request: HttpRequest, flow_id: UUID) -> HttpResponse:
    """Delete a flow with its deployments and its runs."""
    flow_runs.delete_flow(flow_id, actor=actor_of(request))
    return respond_empty()


def _present(flow: Flow) -> wire.Flow:
    return wire.Flow(
        id=flow.pk,
        created=flow.created,
        updated=flow.updated,
        name=flow.name,
        tags=flow.tags,
        labels=flow.labels,
    )
