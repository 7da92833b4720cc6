"""The calls of the JSON API as steps, named as the methods of Prefect's client."""

import math
from collections.abc import Iterable, Mapping, Sequence
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, TypeAdapter

from flowruns import wire
from flowruns.sdk.calls.asking import WORKING, ask
from flowruns.sdk.states import FlowRun, OrchestrationResult, State, to_wire
from flowruns.sdk.steps.steps import Send, Sleep, Steps, read_clock
from flowruns.wire.headers import ATTEND, IDEMPOTENCY_KEY

# A filter object of Prefect's API, such as {"state": {"type": {"any_": ["PAUSED"]}}}.
type Filter = Mapping[str, Any]

_LAZY = ConfigDict(defer_build=True)
_FLOWS = TypeAdapter(list[wire.Flow], config=_LAZY)
_FLOW_RUNS = TypeAdapter(list[FlowRun], config=_LAZY)
_STATES = TypeAdapter(list[State[Any]], config=_LAZY)
_INPUTS = TypeAdapter(list[wire.RunInput], config=_LAZY)
_LOGS = TypeAdapter(list[wire.Log], config=_LAZY)


def _dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_unset=True)


def _given(**body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _post(path: str, body: Any, *, patience: float = WORKING) -> Steps[Any]:
    reply = yield from ask(Send(method="POST", path=path, body=body), patience=patience)
    return reply.json()


def _get(path: str, *, patience: float = WORKING) -> Steps[Any]:
    reply = yield from ask(Send(method="GET", path=path), patience=patience)
    return reply.json()


def create_flow(name: str, *, patience: float = WORKING) -> Steps[UUID]:
    """Register the flow `name`, or find it, and return its id."""
    body = _dump(wire.FlowCreate(name=name))
    answer = yield from _post("/flows/", body, patience=patience)
    return wire.Flow.model_validate(answer).id


def read_flow(flow_id: UUID) -> Steps[wire.Flow]:
    return wire.Flow.model_validate((yield from _get(f"/flows/{flow_id}")))


def read_flow_by_name(flow_name: str) -> Steps[wire.Flow]:
    answer = yield from _get(f"/flows/name/{quote(flow_name, safe='')}")
    return wire.Flow.model_validate(answer)


def read_flows(
    *,
    flow_filter: Filter | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Steps[list[wire.Flow]]:
    body = _given(flows=flow_filter, limit=limit, offset=offset)
    return _FLOWS.validate_python((yield from _post("/flows/filter", body)))


def create_flow_run(
    run: wire.FlowRunCreate, *, is_heartbeat: bool = False, patience: float = WORKING
) -> Steps[FlowRun]:
    """Create a flow run; one that is sent twice is created once, by its idempotency key.

    `is_heartbeat` says that this process will run it: should it die before, the run has crashed.
    """
    run = run.model_copy(update={"idempotency_key": run.idempotency_key or str(uuid4())})
    headers = _preference(is_heartbeat=is_heartbeat)
    request = Send(method="POST", path="/flow_runs/", body=_dump(run), headers=headers)
    reply = yield from ask(request, patience=patience)
    return FlowRun.model_validate(reply.json())


def read_flow_run(
    flow_run_id: UUID, *, is_heartbeat: bool = False, patience: float = WORKING
) -> Steps[FlowRun]:
    """Read a flow run; raises ObjectNotFound."""
    path = f"/flow_runs/{flow_run_id}"
    request = Send(method="GET", path=path, headers=_preference(is_heartbeat=is_heartbeat))
    reply = yield from ask(request, patience=patience)
    return FlowRun.model_validate(reply.json())


def read_flow_runs(
    *,
    flow_filter: Filter | None = None,
    flow_run_filter: Filter | None = None,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Steps[list[FlowRun]]:
    body = _given(
        flows=flow_filter, flow_runs=flow_run_filter, sort=sort, limit=limit, offset=offset
    )
    return _FLOW_RUNS.validate_python((yield from _post("/flow_runs/filter", body)))


def count_flow_runs(*, flow_run_filter: Filter | None = None) -> Steps[int]:
    count: int = yield from _post("/flow_runs/count", _given(flow_runs=flow_run_filter))
    return count


def update_flow_run(flow_run_id: UUID, update: wire.FlowRunUpdate) -> Steps[None]:
    """Change the fields that are set in `update`."""
    path = f"/flow_runs/{flow_run_id}"
    yield from ask(Send(method="PATCH", path=path, body=_dump(update)))


def set_flow_run_name(flow_run_id: UUID, name: str) -> Steps[None]:
    yield from update_flow_run(flow_run_id, wire.FlowRunUpdate(name=name))


def delete_flow_run(flow_run_id: UUID) -> Steps[None]:
    yield from ask(Send(method="DELETE", path=f"/flow_runs/{flow_run_id}"))


def set_flow_run_state(
    flow_run_id: UUID,
    state: State[Any],
    *,
    force: bool = False,
    instead_of: UUID | None = None,
    is_heartbeat: bool = False,
    patience: float = WORKING,
    timeout: float = 30.0,
) -> Steps[OrchestrationResult]:
    """Propose `state` and return the verdict.

    A proposal whose answer was lost is known by its transition when it is sent again, and
    counts as accepted then. With `instead_of`, the id of the state that it is made for, a server
    that compares before it writes raises StateHasChanged where the run has another state;
    Prefect's does not. `is_heartbeat` says that this process runs the run, or will.
    """
    transition_id = uuid4()
    body = _dump(wire.SetState(state=to_wire(state, flow_run_id, transition_id), force=force))
    now = (yield from read_clock()).utc
    request = Send(
        method="POST",
        path=f"/flow_runs/{flow_run_id}/set_state",
        body=body,
        # By it a server can tell how far this clock is from its own.
        headers={"Date": format_datetime(now, usegmt=True)}
        | _if_match(instead_of)
        | _preference(is_heartbeat=is_heartbeat),
        timeout=timeout,
    )
    reply = yield from ask(request, patience=patience)
    result = OrchestrationResult.model_validate(reply.json())
    result.noted(compares="etag" in reply.headers)
    if result.state and result.state.state_details.transition_id == transition_id:
        result.status = wire.SetStateStatus.ACCEPT
    return result


def _if_match(state_id: UUID | None) -> dict[str, str]:
    return {"If-Match": f'"{state_id}"'} if state_id else {}


def _preference(*, is_heartbeat: bool) -> dict[str, str]:
    return {"Prefer": ATTEND} if is_heartbeat else {}


def propose_state(
    flow_run_id: UUID,
    state: State[Any],
    *,
    instead_of: UUID | None = None,
    is_heartbeat: bool = False,
    patience: float = WORKING,
) -> Steps[OrchestrationResult]:
    """Propose `state`, again after the delay that the server asks for while it says WAIT."""
    while True:
        result = yield from set_flow_run_state(
            flow_run_id, state, instead_of=instead_of, is_heartbeat=is_heartbeat, patience=patience
        )
        if result.status is not wire.SetStateStatus.WAIT:
            return result
        yield Sleep(result.details.delay_seconds or 0)


def read_flow_run_states(flow_run_id: UUID) -> Steps[list[State[Any]]]:
    """Read the history of a flow run, oldest first."""
    answer = yield from _get(f"/flow_run_states/?flow_run_id={flow_run_id}")
    return _STATES.validate_python(answer)


def resume_flow_run(
    flow_run_id: UUID, run_input: Mapping[str, Any] | None = None, *, patience: float = WORKING
) -> Steps[OrchestrationResult]:
    """Answer a paused flow run and return the verdict; raises ObjectNotFound."""
    path = f"/flow_runs/{flow_run_id}/resume"
    answer = yield from _post(path, {"run_input": run_input}, patience=patience)
    return OrchestrationResult.model_validate(answer)


def create_flow_run_input(
    flow_run_id: UUID, key: str, value: str, sender: str | None = None
) -> Steps[None]:
    """Store an input; raises ObjectAlreadyExists."""
    body = _dump(wire.RunInputCreate(key=key, value=value, sender=sender))
    yield from ask(Send(method="POST", path=f"/flow_runs/{flow_run_id}/input", body=body))


def read_flow_run_input(flow_run_id: UUID, key: str) -> Steps[str]:
    """Read the text of an input; raises ObjectNotFound."""
    reply = yield from ask(Send(method="GET", path=f"/flow_runs/{flow_run_id}/input/{key}"))
    return reply.content.decode()


def filter_flow_run_input(
    flow_run_id: UUID,
    key_prefix: str,
    limit: int = 1,
    exclude_keys: Iterable[str] = (),
    *,
    patience: float = WORKING,
    ends_at: float = math.inf,
    timeout: float = 30.0,
) -> Steps[list[wire.RunInput]]:
    """Read the inputs whose keys begin with `key_prefix`, oldest first."""
    body = {"prefix": key_prefix, "limit": limit, "exclude_keys": sorted(exclude_keys)}
    path = f"/flow_runs/{flow_run_id}/input/filter"
    request = Send(method="POST", path=path, body=body, timeout=timeout)
    reply = yield from ask(request, patience=patience, ends_at=ends_at)
    return _INPUTS.validate_python(reply.json())


def delete_flow_run_input(flow_run_id: UUID, key: str) -> Steps[None]:
    """Delete an input; raises ObjectNotFound."""
    yield from ask(Send(method="DELETE", path=f"/flow_runs/{flow_run_id}/input/{key}"))


def create_task_run(
    *, flow_run_id: UUID, task_key: str, dynamic_key: str, name: str
) -> Steps[UUID]:
    """Make the task run of these keys in a flow run, or find it, and return its id."""
    body = {
        "flow_run_id": str(flow_run_id),
        "task_key": task_key,
        "dynamic_key": dynamic_key,
        "name": name,
        "state": {"type": "PENDING", "name": "Pending"},
    }
    return UUID((yield from _post("/task_runs/", body))["id"])


def create_logs(
    logs: Sequence[wire.LogCreate], *, key: UUID | None = None, patience: float = WORKING
) -> Steps[None]:
    """Store log lines; a server that knows such keys stores those of one `key` once."""
    body = [log.model_dump(mode="json") for log in logs]
    headers = {IDEMPOTENCY_KEY: str(key)} if key else {}
    request = Send(method="POST", path="/logs/", body=body, headers=headers)
    yield from ask(request, patience=patience)


def create_events(events: Sequence[Mapping[str, Any]], *, patience: float = WORKING) -> Steps[None]:
    """Store events, each as `wire.events.Event` is written."""
    yield from ask(Send(method="POST", path="/events", body=list(events)), patience=patience)


def read_logs(
    *,
    log_filter: Filter | None = None,
    limit: int | None = None,
    offset: int = 0,
    sort: str = "TIMESTAMP_ASC",
) -> Steps[list[wire.Log]]:
    body = _given(logs=log_filter, limit=limit, offset=offset, sort=sort)
    return _LOGS.validate_python((yield from _post("/logs/filter", body)))


def api_healthcheck() -> Steps[None]:
    """Return when the server is in good health; raises ServerUnreachable."""
    yield from ask(Send(method="GET", path="/health"), patience=0)
