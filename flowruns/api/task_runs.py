"""/task_runs"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.http import respond, respond_empty
from flowruns.api.verdicts import respond_verdict
from flowruns.services import task_runs as services
from flowruns.services.presenting_task_runs import present_task_run
from flowruns.wire.task_runs import TaskRun, TaskRunCreate, TaskRunUpdate

router = Router(tags=["Task Runs"])
_RESULTS = {200: wire.OrchestrationResult, 201: wire.OrchestrationResult}


@router.post("/", auth=auth.flows, response={200: TaskRun, 201: TaskRun})
def create_task_run(request: HttpRequest, task_run: TaskRunCreate) -> HttpResponse:
    run, is_new = services.create_task_run(task_run)
    return respond(present_task_run(run), status=201 if is_new else 200)


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
