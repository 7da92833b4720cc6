"""/deployments"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.auth import actor_of
from flowruns.api.http import respond, respond_empty, respond_json, respond_list, respond_text
from flowruns.services import queries
from flowruns.services.deployments import deployments as services
from flowruns.services.presenting import present_deployment, present_flow_run
from flowruns.services.run_rows import dump_runs, write_selection
from flowruns.services.runs import flow_runs
from flowruns.wire import FlowRun
from flowruns.wire.deployments import (
    Deployment,
    DeploymentCreate,
    DeploymentFlowRunCreate,
    DeploymentUpdate,
    ScheduledRunsQuery,
)
from flowruns.wire.queries import DeploymentPageQuery, DeploymentQuery, Page, RunCriteria

router = Router(tags=["Deployments"])


@router.post("/", auth=auth.flows, response={200: Deployment, 201: Deployment})
def create_deployment(request: HttpRequest, deployment: DeploymentCreate) -> HttpResponse:
    created, is_new = services.create_deployment(deployment)
    return respond(present_deployment(created), status=201 if is_new else 200)


@router.post("/get_scheduled_flow_runs", auth=auth.flows, response=list[FlowRun])
def get_scheduled_flow_runs(request: HttpRequest, query: ScheduledRunsQuery) -> HttpResponse:
    """List the runs to start. `Prefer: wait=N` holds the request until there are any."""
    return respond_text(dump_runs(write_selection(services.select_scheduled_flow_runs(query))))


@router.post("/filter", auth=auth.readers, response=list[Deployment])
def read_deployments(request: HttpRequest, query: DeploymentQuery | None = None) -> HttpResponse:
    found = queries.read_deployments(query or DeploymentQuery())
    return respond_list(Deployment, [present_deployment(each) for each in found])


@router.post("/count", auth=auth.readers, response=int)
def count_deployments(request: HttpRequest, criteria: RunCriteria | None = None) -> HttpResponse:
    return respond_json(queries.count_deployments(criteria or RunCriteria()))


@router.post("/paginate", auth=auth.readers, response=Page[Deployment])
def paginate_deployments(
    request: HttpRequest, query: DeploymentPageQuery | None = None
) -> HttpResponse:
    query = query or DeploymentPageQuery()
    found = [present_deployment(each) for each in queries.read_deployments(query)]
    return respond(Page[Deployment].of(found, count=queries.count_deployments(query), query=query))


@router.get("/name/{flow_name}/{name}", auth=auth.readers, response=Deployment)
def read_deployment_by_name(request: HttpRequest, flow_name: str, name: str) -> HttpResponse:
    return respond(present_deployment(services.read_deployment_by_name(flow_name, name)))


@router.get("/{uuid:deployment_id}", auth=auth.readers, response=Deployment)
def read_deployment(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    return respond(present_deployment(services.read_deployment(deployment_id)))


@router.patch("/{uuid:deployment_id}", auth=auth.flows, response={204: None})
def update_deployment(
    request: HttpRequest, deployment_id: UUID, changes: DeploymentUpdate
) -> HttpResponse:
    services.update_deployment(deployment_id, changes)
    return respond_empty()


@router.delete("/{uuid:deployment_id}", auth=auth.flows, response={204: None})
def delete_deployment(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    flow_runs.delete_deployment(deployment_id, actor=actor_of(request))
    return respond_empty()


@router.post(
    "/{uuid:deployment_id}/create_flow_run",
    auth=auth.flows,
    response={200: FlowRun, 201: FlowRun},
)
def create_flow_run_from_deployment(
    request: HttpRequest, deployment_id: UUID, flow_run: DeploymentFlowRunCreate
) -> HttpResponse:
    deployment = services.read_deployment(deployment_id)
    filled_in = services.fill_in_flow_run(deployment, flow_run)
    run, is_new = flow_runs.create_flow_run(
        filled_in, actor=actor_of(request), deployment_version=deployment.version
    )
    return respond(present_flow_run(run), status=201 if is_new else 200)
