"""Ending a run out of its pause, as far as its server can; claim first, so that nobody resumes it.

As Prefect's servers do it: a process that blocks is told to end by CANCELLING, from 3.8.8 on and
where a deployment serves it; everything else is CANCELLED at once, and a process that still
blocks notices at its own deadline.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect import answering, reading, versions
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.outcomes import Continued, Ended, Expired, MovedOn, Refused
from flowruns.domain.states import State, StateType

_PATIENCE = timedelta(seconds=60)


def end(
    client: Client,
    flow_run_id: UUID,
    *,
    pause_state_id: UUID,
    rejection: State,
    version: str,
) -> Ended | Expired | MovedOn | Refused:
    """End the run with the state of a rejection, or tell its process to end with that message."""
    run = reading.read_flow_run(client, flow_run_id)
    if run.state is None or not reading.is_paused_in(run, pause_state_id):
        return answering.find_ending(client, flow_run_id, pause_state_id)
    tells_process = _has_process_to_tell(client, run, run.state, version=version)
    proposed = _cancelling(rejection) if tells_process else rejection
    outcome = answering.propose(
        client, flow_run_id, pause_state_id=pause_state_id, proposed=proposed
    )
    if isinstance(outcome, Refused) and run.state.state_details.pause_reschedule:
        return _end_without_deployment(
            client, flow_run_id, pause_state_id=pause_state_id, rejection=rejection
        )
    if not isinstance(outcome, Continued):
        return outcome
    return Ended(state=outcome.state, is_final=not tells_process)


def _end_without_deployment(
    client: Client, flow_run_id: UUID, *, pause_state_id: UUID, rejection: State
) -> Ended | Expired | MovedOn | Refused:
    """End a suspended run that no deployment can bring back: of all states only CANCELLING does.

    The server makes it CANCELLED at once, without our message, and calls that a rejection.
    """
    proposed = _cancelling(rejection)
    outcome = answering.propose(
        client, flow_run_id, pause_state_id=pause_state_id, proposed=proposed
    )
    state = None if isinstance(outcome, Refused) else outcome.state
    if state is not None and state.type is StateType.CANCELLED:
        return Ended(state=state)
    return Ended(state=state) if isinstance(outcome, Continued) else outcome


def finish_end(
    client: Client, flow_run_id: UUID, *, rejection: State, clock_offset: float
) -> Ended:
    """Cancel a run whose process has not ended a minute after it was told to."""
    state = reading.read_flow_run(client, flow_run_id).state
    if state is None or state.type is not StateType.CANCELLING:
        return Ended(state=state)
    told_for = datetime.now(UTC) + timedelta(seconds=clock_offset) - state.timestamp
    if told_for < _PATIENCE:
        return Ended(state=state, is_final=False)
    outcome = answering.propose(client, flow_run_id, pause_state_id=state.id, proposed=rejection)
    return Ended(
        state=outcome.state if isinstance(outcome, Continued) else state,
        is_final=isinstance(outcome, Continued),
    )


def _has_process_to_tell(
    client: Client, run: wire.FlowRun, pause: wire.State, *, version: str
) -> bool:
    blocks = not pause.state_details.pause_reschedule
    return blocks and versions.can_cancel_pauses(version) and reading.is_served(client, run)


def _cancelling(rejection: State) -> State:
    """Word a rejection as what tells a process to end: runners look for that name, too."""
    return replace(rejection, type=StateType.CANCELLING, name="Cancelling")
