"""/task_run_states"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.http import respond, respond_list
from flowruns.models import TaskRunState
from flowruns.services.runs import task_runs as services

router = Router(tags=["Task Run States"])


@router.get("/", auth=auth.readers, response=list[wire.State])
def read_task_run_states(request: HttpRequest, task_run_id: UUID) -> HttpResponse:
    states = services.read_task_run_states(task_run_id)
    return respond_list(wire.State, [_present(state) for state in states])


@router.get("/{uuid:state_id}", auth=auth.readers, response=wire.State)
def read_task_run_state(request: HttpRequest, state_id: UUID) -> HttpResponse:
    return respond(_present(services.read_task_run_state(state_id)))


def _present(state: TaskRunState) -> wire.State:
    return wire.State.from_domain(state.to_domain())
