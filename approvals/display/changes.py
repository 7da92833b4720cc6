"""What happened to a run, as its reviewers are told: by people and flows, not in states."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flowruns.connectors import HistoryState
from flowruns.domain.rejections import REJECTED
from flowruns.domain.states import StateType

_TOLD = {
    StateType.PAUSED: ("Asked", "waiting"),
    StateType.COMPLETED: ("The flow has finished", "good"),
    StateType.FAILED: ("The flow has failed", "bad"),
    StateType.CRASHED: ("The flow has stopped unexpectedly", "bad"),
    StateType.CANCELLED: ("Called off", "calm"),
}
_NAMES = {"Resuming": ("Answered", "good"), "Retrying": ("The flow tries again", "busy")}
# What the flow does itself, so that naming its key would say nothing
_OF_THE_FLOW = {StateType.PAUSED, StateType.COMPLETED, StateType.FAILED, StateType.CRASHED}
# As Prefect 3.9 says it where nobody has said anything
_SAYS_NOTHING = {
    "All states completed.",
    "Scheduled flow run has no infrastructure to terminate.",
    "Suspended flow run has no infrastructure to terminate.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A change worth telling; `colour` is its badge's, `actor` "" where the flow did it itself."""

    words: str
    colour: str
    moment: datetime
    actor: str
    message: str


def tell_changes(states: Sequence[HistoryState]) -> list[StateChange]:
    """Return what is told of a run's states, the newest first; what only queues is left out."""
    began = False
    told: list[StateChange] = []
    for number, past in enumerate(states):
        words = _find_words(past, is_first=not number, began=began)
        is_running = past.state.type is StateType.RUNNING
        is_own = past.state.type in _OF_THE_FLOW or (is_running and not began)
        began = began or is_running
        if words:
            told.insert(0, _tell(past, *words, actor="" if is_own else past.actor))
    return told


def _find_words(past: HistoryState, *, is_first: bool, began: bool) -> tuple[str, str] | None:
    kind, name = past.state.type, past.state.name or ""
    if kind is StateType.CANCELLED and name == REJECTED:
        return "Rejected", "bad"
    if name in _NAMES:
        return _NAMES[name]
    if kind is StateType.RUNNING:
        return ("The flow went on" if began else "The flow began"), "busy"
    if is_first and kind in {StateType.SCHEDULED, StateType.PENDING}:
        return "Requested", "calm"
    return _TOLD.get(kind)


def _tell(past: HistoryState, words: str, colour: str, *, actor: str) -> StateChange:
    message = past.state.message or ""
    is_end = past.state.type in _TOLD and past.state.type is not StateType.PAUSED
    return StateChange(
        words=words,
        colour=colour,
        moment=past.state.timestamp,
        actor=actor,
        message=message if is_end and message not in _SAYS_NOTHING else "",
    )
