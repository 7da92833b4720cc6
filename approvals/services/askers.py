"""Who asks: the process that runs the flow, or somebody else who has paused its run."""

from dataclasses import dataclass

from approvals.models import Approval
from approvals.services.inbox import RunView
from flowruns.connectors import HistoryState
from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.states import StateType

_WENT_ON = {StateType.RUNNING, StateType.PAUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Whoever paused the run; `is_other` where a key is known that runs it, and is another."""

    actor: str
    is_other: bool


def find_asker(approval: Approval, run: RunView) -> Asker | None:
    """Return who asks, or None where the run and its history are gone."""
    history = run.states
    place = next(
        (at for at, past in enumerate(history) if past.state.id == approval.pause_state_id), None
    )
    if place is None or not history[place].actor:
        return None
    actor, runner = history[place].actor, _find_runner(history[:place])
    return Asker(actor=actor, is_other=bool(runner) and runner != actor)


def _find_runner(history: list[HistoryState]) -> str:
    """Return the key that started the run last, "" where none is known."""
    types = [None, *(past.state.type for past in history)]
    starts = [
        past.actor
        for before, past in zip(types, history, strict=False)
        if past.state.type is StateType.RUNNING and before not in _WENT_ON and _is_key(past.actor)
    ]
    return starts[-1] if starts else ""


def _is_key(actor: str) -> bool:
    return Actor.parse(actor).kind is ActorKind.API_KEY
