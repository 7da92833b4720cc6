"""What a flow's own model says of an answer that the form and the server had accepted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from uuid import UUID

from approvals.models import Approval, Decision
from approvals.schemaforms import describe_problems
from approvals.services.inbox import RunView
from flowruns.connectors import HistoryState
from flowruns.domain.states import StateType
from flowruns.domain.texts import read_json

type Path = tuple[str | int, ...]

_PREFIX = re.compile(r"^(Value error|Assertion failed), ")
_MAX_COMPLAINTS = 20
_MAX_LINES = 500
_FAILED = {StateType.FAILED, StateType.CRASHED}
_SETTLED = {StateType.COMPLETED, StateType.CANCELLED, StateType.CANCELLING}
_WATCHED = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVerdict:
    """What became of an answer: (label, message) of what the flow refused, if it has."""

    refused: Sequence[tuple[str, str]] = ()
    # The answer is so new that the flow may not have looked at it yet
    is_open: bool = False


def read_flow_verdict(approval: Approval, run: RunView) -> FlowVerdict:
    """Return what the flow made of the answer that an approval ended with.

    A refusal is read in the message of the state in which the run failed: the words that pydantic
    has for the model of this form, without the values that it quotes.
    """
    decision: Decision | None = getattr(approval, "decision", None)
    if decision is None or approval.outcome != Approval.Outcome.ANSWERED or not decision.schema:
        return FlowVerdict()
    later = _states_after(run.states, approval.pause_state_id)
    failed = next((past for past in later if past.state.type in _FAILED), None)
    if failed is not None:
        return FlowVerdict(refused=_describe(decision, failed.state.message or ""))
    is_new = datetime.now(UTC) - decision.decided_at < _WATCHED
    return FlowVerdict(is_open=is_new and not any(past.state.type in _SETTLED for past in later))


def _describe(decision: Decision, message: str) -> Sequence[tuple[str, str]]:
    try:
        schema, answer = read_json(decision.schema), read_json(decision.answer or "{}")
    except ValueError:
        return ()
    title = schema.get("title") if isinstance(schema, dict) else None
    return describe_problems(schema, answer, read_complaints(message, str(title)))


def _states_after(states: Sequence[HistoryState], pause_state_id: UUID) -> list[HistoryState]:
    """Return what came after a pause and before the next one."""
    ids = [past.state.id for past in states]
    later = states[ids.index(pause_state_id) + 1 :] if pause_state_id in ids else []
    return list(takewhile(lambda past: past.state.type is not StateType.PAUSED, later))


def read_complaints(message: str, title: str) -> list[tuple[Path, str]]:
    """Return the (path, message) pairs of pydantic's error about the model `title`."""
    count, found, rest = message.partition(f" for {title}\n")
    if not found or not re.search(r"\d validation errors?$", count):
        return []
    return list(islice(_read_lines(rest.splitlines()[:_MAX_LINES]), _MAX_COMPLAINTS))


def _read_lines(lines: Sequence[str]) -> Iterator[tuple[Path, str]]:
    """Yield what each complaint says: a line with its place, then its words, indented by two."""
    place, words = "", list[str]()
    for line in lines:
        if words or re.match(r"  \S", line):
            text, is_end, _ = line.partition(" [type=")
            words.append(text)
            if is_end:
                yield _read_place(place), _PREFIX.sub("", "\n".join(words).strip())
                place, words = "", []
        elif not line.startswith(" "):
            place = line


def _read_place(place: str) -> Path:
    steps = place.split(".") if place else []
    return tuple(int(step) if step.isascii() and step.isdigit() else step for step in steps)
