"""Propose the end of a flow run, and respect the one that it has."""

from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk import calls
from flowruns.sdk.errors import FlowRunSuspended, StateHasChanged
from flowruns.sdk.run_logs import RunLogger
from flowruns.sdk.states import State
from flowruns.sdk.steps import Steps

# Each further one answers a change that came between reading the state and proposing the end.
MOST_PROPOSALS = 5


def propose_end(
    flow_run_id: UUID, proposed: State[Any], logger: RunLogger, *, patience: float
) -> Steps[State[Any]]:
    """Propose the end of a run that has none yet: a server would let a second one replace it.

    A reviewer's rejection stays, whatever the flow does with the exception.
    """
    state = None
    for _ in range(MOST_PROPOSALS):
        run = yield from calls.read_flow_run(flow_run_id, attends=True, patience=patience)
        state = run.state
        if state is not None and state.is_final():
            break
        if state is not None and state.is_left_for_another_process():
            raise FlowRunSuspended
        try:
            result = yield from calls.propose_state(
                flow_run_id,
                cancelled() if state and state.is_cancelling() else proposed,
                instead_of=state.id if state else None,
                attends=True,
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
