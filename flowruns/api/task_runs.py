"""/task_runs"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_json, respond_list
from flowruns.api.verdicts import respond_verdict
from flowruns.services import queries
from flowruns.services.presenting import present_task_run, present_task_runs
from flowruns.services.runs import task_runs as services
from flowruns.wire.queries import Page, RunCriteria, TaskRunPageQuery, TaskRunQuery
from flowruns.wire.task_runs import TaskRun, TaskRunCreate, TaskRunUpdate

router = Router(tags=["Task Runs"])
_RESULTS = {200: wire.OrchestrationResult, 201: wire.OrchestrationResult}


@router.post("/", auth=auth.flows, response={200: TaskRun, 201: TaskRun})
def create_task_run(request: HttpRequest, task_run: TaskRunCreate) -> HttpResponse:
    run, is_new = services.create_task_run(task_run)
    return respond(present_task_run(run), status=201 if is_new else 200)


@router.post("/filter", auth=auth.readers, response=list[TaskRun])
def read_task_runs(request: HttpRequest, query: TaskRunQuery | None = None) -> HttpResponse:
    task_runs = queries.read_task_runs(query or TaskRunQuery())
    return respond_list(TaskRun, present_task_runs(task_runs))


@router.post("/count", auth=auth.readers, response=int)
def count_task_runs(request: HttpRequest, criteria: RunCriteria | None = None) -> HttpResponse:
    return respond_json(queries.count_task_runs(criteria or RunCriteria()))


@router.post("/paginate", auth=auth.readers, response=Page[TaskRun])
def paginate_task_runs(request: HttpRequest, query: TaskRunPageQuery | None = None) -> HttpResponse:
    query = query or TaskRunPageQuery()
    task_runs = present_task_runs(queries.read_task_runs(query))
    count = queries.count_task_runs(query)
    return respond(Page[TaskRun].of(task_runs, count=count, query=query))


@router.get("/{uuid:task_run_id}", auth=auth.readers, response=TaskRun)
def read_task_run(request: HttpRequest, task_run_id: UUID) -> HttpResponse:
    return respond(present_task_run(services.read_task_run(task_run_id)))


@router.patch("/{uuid:task_run_id}", auth=auth.flows, response={204: None})
def update_task_run(
    request: HttpRequest, task_run_id: UUID, changes: TaskRunUpdate
) -> HttpResponse:
    services.update_task_run(task_run_id, changes)
    return respond_empty()


@router.delete("/{uuid:task_run_id}", auth=auth.flows, response={204: None})
def delete_task_run(request: HttpRequest, task_run_id: UUID) -> HttpResponse:
    services.delete_task_run(task_run_id)
    return respond_empty()


@router.post("/{uuid:task_run_id}/set_state", auth=auth.flows, response=_RESULTS)
def set_task_run_state(
    request: HttpRequest, task_run_id: UUID, proposal: wire.SetState
) -> HttpResponse:
    outcome = services.set_task_run_state(
        task_run_id, proposed=proposal.state.to_domain(), force=proposal.force
    )
    return respond_verdict(outcome)
