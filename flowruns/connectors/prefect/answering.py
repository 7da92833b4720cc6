"""The steps of an answer on a Prefect server: claim the pause, move the run, look what became.

Prefect's `resume` has no precondition, and two callers may both be told that they won. The stored
answer is unique in a run, though: who stores it first has the pause, and everybody else's `resume`
is refused. Each step looks first whether the run is still in that pause.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import dropwhile
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect import reading
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.errors import Busy, RemoteFault
from flowruns.connectors.prefect.outcomes import (
    Answer,
    Claimed,
    Continued,
    Expired,
    MovedOn,
    Refused,
    TakenBy,
)
from flowruns.connectors.prefect.parsing import parse
from flowruns.domain.keysets import votes_key
from flowruns.domain.states import (
    CANCEL_STATES,
    GOING_ON_STATES,
    State,
    StateType,
    resuming,
    running,
)
from flowruns.wire import SetStateStatus

_AGAIN_SECONDS = 0.3

type Moving = Continued | Expired | MovedOn | Refused


def claim(
    client: Client, flow_run_id: UUID, *, pause_state_id: UUID, value: str, sender: str
) -> Claimed | TakenBy | MovedOn:
    """Store an answer in the name of our attempt, unless there is one."""
    pause = _look(client, flow_run_id, pause_state_id)
    if isinstance(pause, MovedOn):
        return pause
    body = {"key": reading.response_key(pause), "value": value, "sender": sender}
    answer = client.send("POST", f"/flow_runs/{flow_run_id}/input", body)
    match answer.status:
        case 201:
            return Claimed()
        case 409:
            return _read_claim(client, flow_run_id, pause, sender=sender)
    reading.read_flow_run(client, flow_run_id)  # which may be gone
    raise RemoteFault(f"The server did not store the answer: {_reason_of(answer)}")


def move(client: Client, flow_run_id: UUID, *, pause_state_id: UUID) -> Moving:
    """Let the run go on with the answer that is stored."""
    pause = _look(client, flow_run_id, pause_state_id)
    if isinstance(pause, MovedOn):
        return pause
    is_suspended = pause.state_details.pause_reschedule
    proposed = resuming(at=datetime.now(UTC)) if is_suspended else running()
    return propose(client, flow_run_id, pause_state_id=pause_state_id, proposed=proposed)


def uphold_cancel(client: Client, flow_run_id: UUID, *, pause_state_id: UUID) -> None:
    """Cancel a run again that was cancelled in the moment in which we let it go on.

    Prefect's server accepts both then, the cancel first: whoever cancelled was told that it holds.
    """
    states = reading.read_states(client, flow_run_id)
    match list(dropwhile(lambda state: state.id != pause_state_id, states)):
        case [_, cancel, going_on] if (
            cancel.type in CANCEL_STATES and going_on.type in GOING_ON_STATES
        ):
            again = cancel.to_domain()
            propose(client, flow_run_id, pause_state_id=going_on.id, proposed=again)


def resume(client: Client, flow_run_id: UUID, *, pause_state_id: UUID, value: str | None) -> Moving:
    """Answer by Prefect's own call, with a JSON text taken literally."""
    pause = _look(client, flow_run_id, pause_state_id)
    if isinstance(pause, MovedOn):
        return pause
    literal = None if value is None else {"__prefect_kind": "json", "value": value}
    return _ask_to_move(
        client, flow_run_id, "resume", {"run_input": literal}, pause_state_id=pause_state_id
    )


def propose(client: Client, flow_run_id: UUID, *, pause_state_id: UUID, proposed: State) -> Moving:
    """Propose the state that ends a pause; the caller has looked just before."""
    state = wire.StateCreate.from_domain(proposed).model_dump(mode="json", exclude_defaults=True)
    body = {"state": state, "force": False}
    return _ask_to_move(client, flow_run_id, "set_state", body, pause_state_id=pause_state_id)


def release(client: Client, flow_run_id: UUID, *, pause_state_id: UUID, sender: str | None) -> None:
    """Delete the stored answer to a pause, if it is that sender's."""
    pause = reading.read_pause_state(client, flow_run_id, pause_state_id)
    response = reading.read_response(client, flow_run_id, pause) if pause else None
    if pause is not None and response is not None and response.sender == sender:
        key = reading.response_key(pause)
        client.send("DELETE", f"/flow_runs/{flow_run_id}/input/{key}")


def write_votes(client: Client, flow_run_id: UUID, *, pause_state_id: UUID, votes: str) -> None:
    """Store beside the answer who gave it; what is there already stays."""
    pause = reading.read_pause_state(client, flow_run_id, pause_state_id)
    if pause is not None:
        key = votes_key(pause.name or "", pause.state_details.pause_key or "")
        client.send("POST", f"/flow_runs/{flow_run_id}/input", {"key": key, "value": votes})


def _look(client: Client, flow_run_id: UUID, pause_state_id: UUID) -> wire.State | MovedOn:
    """Return the pause as long as the run is in it, or how it ended."""
    run = reading.read_flow_run(client, flow_run_id)
    if run.state is not None and reading.is_paused_in(run, pause_state_id):
        return run.state
    return find_ending(client, flow_run_id, pause_state_id)


def find_ending(client: Client, flow_run_id: UUID, pause_state_id: UUID) -> MovedOn:
    """Return how a pause ended, and with which answer."""
    states = reading.read_states(client, flow_run_id)
    pause = next((state for state in states if state.id == pause_state_id), None)
    if pause is None:
        return MovedOn()
    return MovedOn(
        state=next(iter(states[states.index(pause) + 1 :]), None),
        response=reading.read_response(client, flow_run_id, pause),
    )


def _read_claim(
    client: Client, flow_run_id: UUID, pause: wire.State, *, sender: str
) -> Claimed | TakenBy | MovedOn:
    """Say who has the pause, since we cannot store another answer."""
    response = reading.read_response(client, flow_run_id, pause)
    moved = _look(client, flow_run_id, pause.id)
    if isinstance(moved, MovedOn):
        return moved
    if response is None:  # released between the two calls
        raise Busy("Somebody else is answering.", retry_after=_AGAIN_SECONDS)
    if response.sender == sender:
        return Claimed()
    return TakenBy(value=response.value, sender=response.sender, created=response.created)


def _ask_to_move(
    client: Client, flow_run_id: UUID, call: str, body: Mapping[str, Any], *, pause_state_id: UUID
) -> Moving:
    try:
        answer = client.send("POST", f"/flow_runs/{flow_run_id}/{call}", body)
    except RemoteFault:  # 500, which `resume` says of a deleted run
        reading.read_flow_run(client, flow_run_id)
        raise
    if answer.status in {200, 201}:
        return _read_verdict(client, flow_run_id, answer, pause_state_id=pause_state_id)
    found = _look(client, flow_run_id, pause_state_id)
    return found if isinstance(found, MovedOn) else Refused(reason=_reason_of(answer))


def _read_verdict(
    client: Client, flow_run_id: UUID, answer: Answer, *, pause_state_id: UUID
) -> Moving:
    verdict = parse(wire.OrchestrationResult, answer.body)
    if verdict.status is SetStateStatus.ACCEPT:
        return Continued(state=verdict.state)
    is_failed = verdict.state is not None and verdict.state.type is StateType.FAILED
    if is_failed and verdict.status is SetStateStatus.REJECT:
        return Expired(state=verdict.state)
    found = _look(client, flow_run_id, pause_state_id)
    if isinstance(found, MovedOn):
        return found
    return Refused(reason=verdict.details.reason or "The server refused.")


def _reason_of(answer: Answer) -> str:
    """Return what the server says is wrong, in whatever way it says that."""
    body = answer.body if isinstance(answer.body, dict) else {}
    detail = body.get("detail") or body.get("exception_message") or body.get("exception_detail")
    return detail if isinstance(detail, str) else f"it answered {answer.status}"
