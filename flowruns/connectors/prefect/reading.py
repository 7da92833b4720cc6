"""One run on a Prefect server: its states, what its pause asks, and what was answered."""

import time
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect import surroundings
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.connectors.prefect.outcomes import Response
from flowruns.connectors.prefect.parsing import parse, parse_each
from flowruns.connectors.protocol import PauseForm
from flowruns.domain.errors import (
    DeploymentNotFound,
    FlowNotFound,
    FlowRunNotFound,
    NotFound,
)
from flowruns.domain.keysets import is_valid_key, policy_key
from flowruns.domain.states import StateType
from flowruns.domain.texts import read_text

_SCHEMA_PAUSES = (0.1, 0.2, 0.4)
# Of one pause: the schema, the description, the answer, and what its author or we add.
_MOST_INPUTS = 20


def read_flow_run(client: Client, flow_run_id: UUID) -> wire.FlowRun:
    """Return the run as it is now; raises `FlowRunNotFound`."""
    return parse(wire.FlowRun, read_one(client, f"/flow_runs/{flow_run_id}", FlowRunNotFound))


def read_flow_name(client: Client, flow_id: UUID) -> str:
    return parse(wire.Flow, read_one(client, f"/flows/{flow_id}", FlowNotFound)).name


def read_deployment(client: Client, deployment_id: UUID) -> dict[str, Any]:
    """Return a deployment as the server describes it; raises `DeploymentNotFound`."""
    found = read_one(client, f"/deployments/{deployment_id}", DeploymentNotFound)
    if not isinstance(found, dict):
        raise RemoteFault("The server described a deployment oddly.")
    return found


def is_served(client: Client, flow_run: wire.FlowRun) -> bool:
    """Whether somebody asks for the runs of its deployment."""
    if flow_run.deployment_id is None:
        return False
    try:
        deployment = read_deployment(client, flow_run.deployment_id)
    except DeploymentNotFound:  # a run keeps the id of a deleted one
        return False
    return surroundings.is_served(deployment)


def read_states(client: Client, flow_run_id: UUID) -> list[wire.State]:
    """Return the run's states, oldest first; none for a run that is gone."""
    found = client.get("/flow_run_states/", flow_run_id=str(flow_run_id)).body
    return sorted(parse_each(wire.State, found), key=lambda state: state.timestamp)


def read_pause_state(client: Client, flow_run_id: UUID, pause_state_id: UUID) -> wire.State | None:
    """Return a pause of the run, the present one or one before."""
    run = read_flow_run(client, flow_run_id)
    if run.state is not None and run.state.id == pause_state_id:
        return run.state
    found = (s for s in read_states(client, flow_run_id) if s.id == pause_state_id)
    return next(found, None)


def read_pause(client: Client, run: wire.FlowRun, *, patience: float) -> PauseForm:
    """Return what a run's pause asks, as far as it comes within so many seconds."""
    if run.state is None:
        return PauseForm(schema=None, description=None)
    deadline, pauses = time.monotonic() + patience, iter(_SCHEMA_PAUSES)
    while True:
        form = read_form(client, run.id, run.state)
        if form.schema is not None or run.state.state_details.run_input_keyset is None:
            return form
        pause = next(pauses, _SCHEMA_PAUSES[-1])
        if time.monotonic() + pause > deadline:
            return form
        time.sleep(pause)


def read_form(client: Client, flow_run_id: UUID, pause: wire.State) -> PauseForm:
    """Return what a pause asks, as far as it is there."""
    keyset = pause.state_details.run_input_keyset or {}
    policy = policy_key(pause.name or "", pause.state_details.pause_key or "")
    base = keyset["schema"].removesuffix("schema") if keyset else policy
    inputs = _find_inputs(client, flow_run_id, base)
    if not policy.startswith(base) and is_valid_key(policy):
        inputs |= _find_inputs(client, flow_run_id, policy)
    return PauseForm(
        schema=inputs.get(keyset.get("schema", "")),
        description=read_text(inputs.get(keyset.get("description", ""))),
        policy=read_text(inputs.get(policy)),
    )


def read_response(client: Client, flow_run_id: UUID, pause: wire.State) -> Response | None:
    """Return the stored answer to a pause, if any."""
    key = response_key(pause)
    body = {"prefix": key, "limit": 1}
    found = client.find(f"/flow_runs/{flow_run_id}/input/filter", body)
    rows = [row for row in parse_each(wire.RunInput, found) if row.key == key]
    return next((Response(value=r.value, sender=r.sender, created=r.created) for r in rows), None)


def response_key(pause: wire.State) -> str:
    """Name the input that holds the answer, or one of ours where the pause asks for none.

    Prefect ignores the latter; between desks it is the same lock.
    """
    keyset = pause.state_details.run_input_keyset
    return keyset["response"] if keyset else f"approvals-{pause.id}"


def is_paused_in(run: wire.FlowRun, pause_state_id: UUID) -> bool:
    return (
        run.state is not None
        and run.state.id == pause_state_id
        and run.state.type is StateType.PAUSED
    )


def _find_inputs(client: Client, flow_run_id: UUID, prefix: str) -> dict[str, str]:
    body = {"prefix": prefix, "limit": _MOST_INPUTS}
    found = client.find(f"/flow_runs/{flow_run_id}/input/filter", body)
    return {row.key: row.value for row in parse_each(wire.RunInput, found)}


def read_one(client: Client, path: str, missing: type[NotFound]) -> Any:
    """Return what is at a path; raises `missing` where the server says that it is gone."""
    answer = client.get(path)
    if answer.status == 404 and _says_missing(answer.body):
        raise missing
    if answer.status != 200:
        raise RemoteFault(f"The server answered {answer.status} to {path}.")
    return answer.body


def _says_missing(body: Any) -> bool:
    """Whether Prefect says that a thing is gone, and not a proxy that an address is none."""
    return isinstance(body, dict) and body.get("detail") != "Not Found"
