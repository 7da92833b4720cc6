"""What will happen to an approval while nobody answers, and when, in words to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.models import Approval, Step
from approvals.schemaforms import describe_answer
from approvals.services.decisions import read_form
from approvals.services.plans import find_rule
from flowruns.domain.texts import read_json_or_text
from flowruns.models.prepared import PreparedQuery

_MAX_ANSWER = 200  # characters
_ENDS = {Step.Kind.REJECT, Step.Kind.ANSWER}
_steps = PreparedQuery(Step.objects.order_by("at", "id"), by="approval")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """One thing that has happened, or will at that moment; `problem` says why it cannot."""

    at: datetime
    text: str
    is_over: bool = False
    problem: str = ""


def read_outlook(approval: Approval) -> list[Outlook]:
    """Return what the policies of an approval do by themselves; empty where they do nothing."""
    steps = _steps.find_all(approval.pk)
    if not approval.is_waiting or all(step.kind == Step.Kind.LAST_CALL for step in steps):
        return []
    outlook = [_describe(approval, step) for step in steps]
    is_ended = any(step.kind in _ENDS and not step.problem for step in steps)
    if approval.expires_at is not None and not is_ended:
        outlook.append(Outlook(at=approval.expires_at, text="the flow is told that it failed"))
    return outlook


def _describe(approval: Approval, step: Step) -> Outlook:
    is_over = step.taken_at is not None
    return Outlook(
        at=step.taken_at or step.at,
        text=_tell(approval, step, is_over=is_over),
        is_over=is_over,
        problem=step.problem,
    )


def _tell(approval: Approval, step: Step, *, is_over: bool) -> str:
    match Step.Kind(step.kind):
        case Step.Kind.REMIND:
            return "those who were asked are reminded" if not is_over else "a reminder went out"
        case Step.Kind.LAST_CALL:
            return "the last call"
        case Step.Kind.ASK:
            return _tell_asked(step)
        case Step.Kind.REJECT:
            return f"it is rejected: “{step.text}”"
        case Step.Kind.ANSWER:
            return _tell_answer(approval, step)


def _tell_asked(step: Step) -> str:
    rule = find_rule(step)
    names = " or ".join(who.name for who in rule.who) if rule else ""
    return f"also asked: {names}"


def _tell_answer(approval: Approval, step: Step) -> str:
    schema = read_json_or_text(read_form(approval).schema or "{}")
    rows: Sequence[tuple[str, str]] = describe_answer(schema, read_json_or_text(step.text))
    words = ", ".join(f"{label}: {text}" if label else text for label, text in rows)
    shown = words if len(words) <= _MAX_ANSWER else f"{words[: _MAX_ANSWER - 1]}…"
    return f"it is answered: {shown}" if shown else "it is approved"
