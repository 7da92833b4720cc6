"""How the run of a call begins and ends: made, found or taken, and its end proposed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.asking import STARTING
from flowruns.sdk.config import Config, load_config
from flowruns.sdk.context import current_flow_run, current_tags
from flowruns.sdk.errors import (
    FlowRunSuspended,
    ObjectAlreadyExists,
    ObjectNotFound,
    StateHasChanged,
)
from flowruns.sdk.reporting.logs import RunLogger
from flowruns.sdk.runs.definitions import FlowDefinition
from flowruns.sdk.runs.parameters import to_json_object
from flowruns.sdk.runs.subflows import find_subflow, link_subflow
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.steps import Steps

# Each further one answers a change that came between reading the state and proposing the end.
MOST_PROPOSALS = 5
# By server and name
_flow_ids: dict[tuple[Config, str], UUID] = {}


def create_run(flow: FlowDefinition[..., Any], parameters: dict[str, Any]) -> Steps[FlowRun]:
    """Make the run of a call, or find the run that the call of a subflow had before."""
    task_run_id, caller = None, current_flow_run()
    if caller is not None:
        task_run_id = yield from link_subflow(flow, parameters, caller)
        if earlier := (yield from find_subflow(task_run_id, caller)):
            caller.subflows[earlier.id] = True
            return earlier
    run = wire.FlowRunCreate(
        flow_id=(yield from _register(flow.name)),
        parent_task_run_id=task_run_id,
        flow_version=flow.version,
        name=flow.name_run(parameters),
        parameters=to_json_object(parameters),
        state=wire.StateCreate(type=StateType.PENDING, name="Pending"),
        empirical_policy=wire.FlowRunPolicy(**_retries(flow)),
        tags=current_tags(),
    )
    try:
        created = yield from flow_runs.create_flow_run(run, is_heartbeat=True, patience=STARTING)
    except (ObjectNotFound, ObjectAlreadyExists):  # deleted meanwhile; of Prefect's server a 409
        del _flow_ids[load_config(), flow.name]
        run.flow_id = yield from _register(flow.name)
        created = yield from flow_runs.create_flow_run(run, is_heartbeat=True, patience=STARTING)
    if caller is not None:
        caller.subflows[created.id] = False
    return created


def _register(name: str) -> Steps[UUID]:
    """Return the id of a flow, which a process asks a server for once."""
    key = load_config(), name
    if key not in _flow_ids:
        _flow_ids[key] = yield from flow_runs.create_flow(name, patience=STARTING)
    return _flow_ids[key]


def prepare_run(
    flow: FlowDefinition[..., Any], parameters: dict[str, Any], run: FlowRun
) -> Steps[FlowRun]:
    """Tell the server what only the flow knows of a run that was made from a deployment.

    A run that goes on after a suspension has been told of already.
    """
    known, update = run.empirical_policy, wire.FlowRunUpdate()
    policy = known.model_copy(update=_retries(flow))
    if policy != known:
        update.empirical_policy = policy
    if flow.version and flow.version != run.flow_version:
        update.flow_version = flow.version
    if flow.flow_run_name and (name := flow.name_run(parameters)) != run.name:
        update.name = name
    if update.model_fields_set:
        yield from flow_runs.update_flow_run(run.id, update)
    return run.model_copy(update={"name": update.name or run.name})


def _retries(flow: FlowDefinition[..., Any]) -> Mapping[str, int]:
    return {"retries": flow.retries, "retry_delay": int(flow.retry_delay_seconds)}


def propose_end(
    flow_run_id: UUID,
    proposed: State[Any],
    logger: RunLogger,
    *,
    patience: float,
    running: State[Any] | None = None,
) -> Steps[State[Any]]:
    """Propose the end of a run that has none yet: a server would let a second one replace it.

    A reviewer's rejection stays, whatever the flow does with the exception. The state is read
    before, unless it is `running` as far as is known and the server compares.
    """
    state = running
    for number in range(MOST_PROPOSALS):
        if number or running is None:
            run = yield from flow_runs.read_flow_run(
                flow_run_id, is_heartbeat=True, patience=patience
            )
            state = run.state
        if state is not None and state.is_final():
            break
        if state is not None and state.is_left_for_another_process():
            raise FlowRunSuspended
        try:
            result = yield from flow_runs.propose_state(
                flow_run_id,
                cancelled() if state and state.is_cancelling() else proposed,
                instead_of=state.id if state else None,
                is_heartbeat=True,
                patience=patience,
            )
        except StateHasChanged:
            continue
        state = result.state or proposed
        if result.status is wire.SetStateStatus.ACCEPT or state.is_scheduled():
            return state
    logger.info("The flow run is %s on the server and stays so.", state)
    return state or proposed


def cancelled() -> State[Any]:
    return State(type=StateType.CANCELLED, message="Flow run was cancelled.")
