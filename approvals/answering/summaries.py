"""What was decided, short enough for a line of a list."""

from dataclasses import dataclass

from approvals.answering.questions import describe_decision
from approvals.models import Approval, Decision
from approvals.services.voices import Voice, list_voices

_ROWS = 3
_MAX_LENGTH = 200_000  # characters of schema and answer; more is read on the approval's own page


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`word` is Yes or No where that was the first question; `rows` are the first (label, text)."""

    word: str = ""
    rows: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An ended approval, how it was decided, what was answered, and who voted for that."""

    approval: Approval
    decision: Decision | None
    summary: Summary
    voices: list[Voice]


def summarise_approvals(approvals: list[Approval]) -> list[Entry]:
    """Put beside each ended approval what was answered."""
    voices = list_voices(approvals)
    return [_enter(approval, voices[approval.pk]) for approval in approvals]


def _enter(approval: Approval, voices: list[Voice]) -> Entry:
    decision: Decision | None = getattr(approval, "decision", None)
    return Entry(approval=approval, decision=decision, summary=_summarise(decision), voices=voices)


def _summarise(decision: Decision | None) -> Summary:
    if decision is None or len(decision.schema) + len(decision.answer) > _MAX_LENGTH:
        return Summary(rows=[])
    rows = describe_decision(decision)
    word = rows[0][1] if rows and rows[0][1] in {"Yes", "No"} else ""
    return Summary(word=word, rows=rows[:_ROWS])
