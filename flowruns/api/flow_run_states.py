"""/flow_run_states"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.http import respond_list, respond_text
from flowruns.models import FlowRunState
from flowruns.services.run_rows import read_state_json
from flowruns.services.runs import states as services

router = Router(tags=["Flow Run States"])


@router.get("/", auth=auth.readers, response=list[wire.State])
def read_flow_run_states(request: HttpRequest, flow_run_id: UUID) -> HttpResponse:
    states = services.read_flow_run_states(flow_run_id)
    return respond_list(wire.State, [_present(state) for state in states])


@router.get("/{uuid:state_id}", auth=auth.readers, response=wire.State)
def read_flow_run_state(request: HttpRequest, state_id: UUID) -> HttpResponse:
    return respond_text(read_state_json(state_id))


def _present(state: FlowRunState) -> wire.State:
    return wire.State.from_domain(state.to_domain())
