"""The writes that flows make all day, as the views and the shortcuts answer them."""

from collections.abc import Mapping
from uuid import UUID

from django.http import HttpResponse

from flowruns import wire
from flowruns.api.auth import Caller
from flowruns.api.http import read_date, respond, respond_json
from flowruns.api.verdicts import respond_resumed, respond_verdict
from flowruns.services.presenting import present_flow_run
from flowruns.services.runs import flow_runs, resume, run_inputs, states
from flowruns.wire.headers import read_etag, reads_heartbeat


def create_flow_run(
    flow_run: wire.FlowRunCreate, *, headers: Mapping[str, str], caller: Caller
) -> HttpResponse:
    """Answer 201 for a run that was made and 200 for one that was there."""
    is_heartbeat = reads_heartbeat(headers.get("prefer", ""))
    run, is_new = flow_runs.create_flow_run(flow_run, actor=caller.actor, is_heartbeat=is_heartbeat)
    return respond(present_flow_run(run), status=201 if is_new else 200)


def set_flow_run_state(
    flow_run_id: UUID, proposal: wire.SetState, *, headers: Mapping[str, str], caller: Caller
) -> HttpResponse:
    """Answer a proposed state; the names of `headers` are asked in lower case."""
    outcome = states.set_flow_run_state(
        flow_run_id,
        proposed=proposal.state.to_domain(),
        force=proposal.force,
        actor=caller.actor,
        sent_at=read_date(headers.get("date", "")),
        known_state_id=read_etag(headers.get("if-match", "")),
        is_heartbeat=reads_heartbeat(headers.get("prefer", "")),
    )
    return respond_verdict(outcome)


def resume_flow_run(
    flow_run_id: UUID, answer: wire.Resume | None, *, caller: Caller
) -> HttpResponse:
    """Answer an answer to a pause."""
    outcome = resume.resume_flow_run(
        flow_run_id,
        run_input=answer.run_input if answer else None,
        actor=caller.actor,
        may_read_variables=caller.may_read_variables,
    )
    return respond_resumed(outcome)


def create_flow_run_input(
    flow_run_id: UUID, run_input: wire.RunInputCreate, *, caller: Caller
) -> HttpResponse:
    """Answer an input of a run."""
    run_inputs.create_run_input(flow_run_id, run_input, actor=caller.actor)
    return respond_json(None, status=201)
