"""Subflows that a flow may call by other parameters each time it begins, and so ask for ever."""

from uuid import UUID

from flowruns.sdk.calls import flow_runs
from flowruns.sdk.context import FlowRunContext
from flowruns.sdk.steps.steps import Steps

_PARAMETERS_CHANGE = (
    "asks, called with other parameters than in an earlier process, whose answer is not for this."
    " If they change whenever the flow begins again, such as a time, pass what stays the same, such"
    " as the result of a task with persist_result=True; or pause in the calling flow, with a key=."
)


def doubt_parameters(run: FlowRunContext, caller: FlowRunContext) -> Steps[None]:
    """Doubt the parameters of a subflow that asks and that no earlier process has called.

    Those that change whenever the caller begins again would have a person asked for ever.
    """
    if not caller.flow_run.empirical_policy.pause_keys:
        return
    others = yield from flow_runs.read_flow_runs(
        flow_filter={"id": {"any_": [str(run.flow_run.flow_id)]}},
        flow_run_filter={"parent_flow_run_id": {"any_": [str(caller.flow_run.id)]}},
    )
    asked = [
        each.id
        for each in others
        if each.empirical_policy.pause_keys
        and each.parent_task_run_id != run.flow_run.parent_task_run_id
    ]
    caller.doubt(lambda: _doubt_calls(asked, caller, run.flow_run.name))


def _doubt_calls(asked: list[UUID], caller: FlowRunContext, name: str) -> str:
    """Say that a subflow asks by other parameters than before, unless calls have come again."""
    again = [caller.subflows.get(each) for each in asked]
    is_doubtful = again.count(None) > again.count(True)
    return f"Subflow {name!r} {_PARAMETERS_CHANGE}" if is_doubtful else ""
