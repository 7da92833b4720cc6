"""/flow_runs"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router

from flowruns import wire
from flowruns.api import auth, writes
from flowruns.api.auth import actor_of, caller_of
from flowruns.api.http import (
    respond,
    respond_empty,
    respond_input,
    respond_json,
    respond_list,
    respond_run,
    respond_text,
)
from flowruns.services import queries
from flowruns.services.presenting import present_flow_run, present_flow_runs
from flowruns.services.run_rows import dump_runs, write_selection
from flowruns.services.runs import flow_runs as services
from flowruns.services.runs import run_inputs
from flowruns.services.upkeep import heartbeat
from flowruns.wire.headers import read_etag, reads_heartbeat
from flowruns.wire.queries import FlowRunPageQuery, FlowRunQuery, Page, RunCriteria

router = Router(tags=["Flow Runs"])
_RESULTS = {200: wire.OrchestrationResult, 201: wire.OrchestrationResult}


@router.post("/", auth=auth.flows, response={200: wire.FlowRun, 201: wire.FlowRun})
def create_flow_run(request: HttpRequest, flow_run: wire.FlowRunCreate) -> HttpResponse:
    """Create a run. `Prefer: attend` says that the process which asks for it will run it."""
    return writes.create_flow_run(flow_run, headers=request.headers, caller=caller_of(request))


@router.post("/filter", auth=auth.readers, response=list[wire.FlowRun])
def read_flow_runs(request: HttpRequest, query: FlowRunQuery | None = None) -> HttpResponse:
    return respond_text(
        dump_runs(write_selection(queries.select_flow_runs(query or FlowRunQuery())))
    )


@router.post("/count", auth=auth.readers, response=int)
def count_flow_runs(request: HttpRequest, criteria: RunCriteria | None = None) -> HttpResponse:
    return respond_json(queries.count_flow_runs(criteria or RunCriteria()))


@router.post("/paginate", auth=auth.readers, response=Page[wire.FlowRun])
def paginate_flow_runs(request: HttpRequest, query: FlowRunPageQuery | None = None) -> HttpResponse:
    query = query or FlowRunPageQuery()
    runs = present_flow_runs(list(queries.select_flow_runs(query)))
    return respond(Page[wire.FlowRun].of(runs, count=queries.count_flow_runs(query), query=query))


@router.get("/{uuid:flow_run_id}", auth=auth.readers, response={200: wire.FlowRun, 304: None})
def read_flow_run(request: HttpRequest, flow_run_id: UUID) -> HttpResponse:
    """Read a run. Its `ETag` is the id of its state; `Prefer: wait=N` holds a conditional read.

    With `Prefer: attend` asks the process that runs it, which so says that it is there. With
    `Prefer: inputs="a b"` the run comes with its inputs of these keys.
    """
    prefer = request.headers.get("Prefer", "")
    if reads_heartbeat(prefer):
        heartbeat.note_heartbeat(flow_run_id)
    run = services.read_flow_run(flow_run_id)
    etag = f'"{run.state_id}"'
    if run.state_id and read_etag(request.headers.get("If-None-Match", "")) == run.state_id:
        return HttpResponse(status=304, headers={"ETag": etag})
    inputs = run_inputs.read_wanted(flow_run_id, prefer, reader=actor_of(request))
    return respond_run(present_flow_run(run).model_dump_json(), inputs, headers={"ETag": etag})


@router.patch("/{uuid:flow_run_id}", auth=auth.flows, response={204: None})
def update_flow_run(
    request: HttpRequest, flow_run_id: UUID, changes: wire.FlowRunUpdate
) -> HttpResponse:
    services.update_flow_run(flow_run_id, changes)
    return respond_empty()


@router.patch("/{uuid:flow_run_id}/labels", auth=auth.flows, response={204: None})
def update_flow_run_labels(
    request: HttpRequest, flow_run_id: UUID, labels: Body[wire.JsonObject]
) -> HttpResponse:
    services.update_flow_run_labels(flow_run_id, labels)
    return respond_empty()


@router.delete("/{uuid:flow_run_id}", auth=auth.flows, response={204: None})
def delete_flow_run(request: HttpRequest, flow_run_id: UUID) -> HttpResponse:
    services.delete_flow_run(flow_run_id, actor=actor_of(request))
    return respond_empty()


@router.post("/{uuid:flow_run_id}/set_state", auth=auth.flows, response=_RESULTS)
def set_flow_run_state(
    request: HttpRequest, flow_run_id: UUID, proposal: wire.SetState
) -> HttpResponse:
    """Propose a state. With `If-Match: "<state id>"` only in the place of that state, else 412."""
    caller = caller_of(request)
    return writes.set_flow_run_state(flow_run_id, proposal, headers=request.headers, caller=caller)


@router.post("/{uuid:flow_run_id}/resume", auth=auth.resumers, response=_RESULTS)
def resume_flow_run(
    request: HttpRequest, flow_run_id: UUID, answer: wire.Resume | None = None
) -> HttpResponse:
    return writes.resume_flow_run(flow_run_id, answer, caller=caller_of(request))


@router.post("/{uuid:flow_run_id}/input", auth=auth.flows, response={201: None})
def create_flow_run_input(
    request: HttpRequest, flow_run_id: UUID, run_input: wire.RunInputCreate
) -> HttpResponse:
    return writes.create_flow_run_input(flow_run_id, run_input, caller=caller_of(request))


@router.post("/{uuid:flow_run_id}/input/filter", auth=auth.readers, response=list[wire.RunInput])
def filter_flow_run_input(
    request: HttpRequest, flow_run_id: UUID, query: wire.RunInputFilter
) -> HttpResponse:
    inputs = run_inputs.read_run_inputs(
        flow_run_id,
        prefix=query.prefix,
        limit=query.limit,
        exclude_keys=query.exclude_keys,
        reader=actor_of(request),
    )
    return respond_list(
        wire.RunInput,
        [
            wire.RunInput(
                id=found.pk,
                created=found.created,
                updated=found.updated,
                flow_run_id=flow_run_id,
                key=found.key,
                value=found.value,
                sender=found.sender,
            )
            for found in inputs
        ],
    )


@router.get("/{uuid:flow_run_id}/input/{key}", auth=auth.readers)
def read_flow_run_input(request: HttpRequest, flow_run_id: UUID, key: str) -> HttpResponse:
    reader = actor_of(request)
    return respond_input(run_inputs.read_run_input(flow_run_id, key, reader=reader))


@router.delete("/{uuid:flow_run_id}/input/{key}", auth=auth.flows, response={204: None})
def delete_flow_run_input(request: HttpRequest, flow_run_id: UUID, key: str) -> HttpResponse:
    run_inputs.delete_run_input(flow_run_id, key, actor=actor_of(request))
    return respond_empty()
