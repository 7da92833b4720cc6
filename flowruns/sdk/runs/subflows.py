"""Flows that flows call: linked to the caller by a task run, and found by it when called again.

A run that goes on in another process, or tries again, calls its subflows again. As in Prefect 3.9
such a call belongs to the task run that stood for it before, and by that to its earlier flow run.
Prefect tells calls apart by their order; here their arguments count too, so that a flow that goes
another way does not get the result of another call.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.context import FlowRunContext, current_task_run
from flowruns.sdk.errors import StateHasChanged
from flowruns.sdk.results import digest, source_of
from flowruns.sdk.runs.definitions import FlowDefinition
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.steps import Steps

_BEGUN_AGAIN = "The flow run that called this one has begun again."


def link_subflow(
    flow: FlowDefinition[..., Any], parameters: Mapping[str, Any], caller: FlowRunContext
) -> Steps[UUID]:
    """Return the id of the task run that stands for this call in the calling run."""
    task_key = f"{flow.fn.__qualname__}-{_digest(source_of(flow.fn))}"
    return link_call(caller, name=flow.name, task_key=task_key, parameters=parameters)


def link_call(
    caller: FlowRunContext, *, name: str, task_key: str, parameters: Mapping[str, Any]
) -> Steps[UUID]:
    """Return the id of the task run that stands for a call of `name` with `parameters`."""
    key = _digest(_scope(), parameters)
    if key is None:
        # It is like no other call, and would not be found again.
        key = uuid4().hex[:16]
        if caller.results.persist:
            caller.results.forget(name, f"The arguments of {name!r} cannot be pickled")
    count = caller.count_call(f"{task_key}-{key}")
    return flow_runs.create_task_run(
        flow_run_id=caller.flow_run.id,
        task_key=task_key,
        dynamic_key=f"{key}-{count}",
        name=f"{name}-{caller.count_call(name)}",
    )


def find_subflow(task_run_id: UUID, caller: FlowRunContext) -> Steps[FlowRun | None]:
    """Find the flow run of an earlier call to be the run of this one too, or None.

    Where the caller tries again, a subflow that has ended without a stored result gets a run, and
    retries, of its own.
    """
    runs = yield from flow_runs.read_flow_runs(
        flow_run_filter={"parent_task_run_id": {"any_": [str(task_run_id)]}},
        sort="EXPECTED_START_TIME_DESC",
        limit=1,
    )
    if not runs or (state := runs[0].state) is None:
        return None
    if state.is_paused():
        # Nobody would hear the answer: its process has ended, or is about to.
        ended: State[Any] = State(type=StateType.CANCELLED, message=_BEGUN_AGAIN)
        with suppress(StateHasChanged):
            yield from flow_runs.propose_state(runs[0].id, ended, instead_of=state.id)
        return None
    if state.is_final() and not (state.is_completed() and state.data):
        run_count = (yield from flow_runs.read_flow_run(caller.flow_run.id)).run_count
        return None if run_count > 1 else runs[0]
    return runs[0]


def _scope() -> str:
    """Tell calls of one flow by several tasks apart."""
    task = current_task_run()
    return task.digest() if task is not None and task.digest else ""


def _digest(*parts: Any) -> str | None:
    """Shorten what makes a call to a word, or return None where it cannot be named."""
    try:
        return digest(*parts)[:16]
    except Exception:  # noqa: BLE001 -- whatever an argument's __reduce__ raises
        return None
