"""The flow run that a call plays: a new one, an earlier one of a subflow, or one that was taken."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk import calls
from flowruns.sdk.asking import STARTING
from flowruns.sdk.context import current_flow_run, current_tags
from flowruns.sdk.parameters import to_json_object
from flowruns.sdk.states import FlowRun
from flowruns.sdk.steps import Steps
from flowruns.sdk.subflows import find_subflow, link_subflow

if TYPE_CHECKING:
    from flowruns.sdk.flows import Flow


def create_run(flow: "Flow[..., Any]", parameters: dict[str, Any]) -> Steps[FlowRun]:
    """Make the run of a call, or find the run that the call of a subflow had before."""
    task_run_id, caller = None, current_flow_run()
    flow_id = yield from calls.create_flow(flow.name, patience=STARTING)
    if caller is not None:
        task_run_id = yield from link_subflow(flow, parameters, caller)
        if earlier := (yield from find_subflow(task_run_id, caller)):
            caller.subflows[earlier.id] = True
            return earlier
    run = wire.FlowRunCreate(
        flow_id=flow_id,
        parent_task_run_id=task_run_id,
        flow_version=flow.version,
        name=flow.name_run(parameters),
        parameters=to_json_object(parameters),
        state=wire.StateCreate(type=StateType.PENDING, name="Pending"),
        empirical_policy=wire.FlowRunPolicy(**_retries(flow)),
        tags=current_tags(),
    )
    created = yield from calls.create_flow_run(run, patience=STARTING)
    if caller is not None:
        caller.subflows[created.id] = False
    return created


def prepare_run(flow: "Flow[..., Any]", parameters: dict[str, Any], run: FlowRun) -> Steps[FlowRun]:
    """Tell the server what only the flow knows of a run that was made from a deployment."""
    policy = run.empirical_policy.model_copy(update=_retries(flow))
    update = wire.FlowRunUpdate(empirical_policy=policy)
    if flow.version:
        update.flow_version = flow.version
    if flow.flow_run_name:
        update.name = flow.name_run(parameters)
    yield from calls.update_flow_run(run.id, update)
    return run.model_copy(update={"name": update.name or run.name})


def _retries(flow: "Flow[..., Any]") -> Mapping[str, int]:
    return {"retries": flow.retries, "retry_delay": int(flow.retry_delay_seconds)}
