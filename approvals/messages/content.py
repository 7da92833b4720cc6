"""What a message may tell of an approval: cut down once, before the row is written."""

import re
from typing import Any

from django.conf import settings

from approvals.display.labels import outcome_label, person
from approvals.models import Approval

_MOST = 200  # characters of one text
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def write_content(approval: Approval) -> dict[str, Any]:
    """Return what the operator allows messages to say: no values, answers, secrets or artifacts."""
    content: dict[str, Any] = {}
    if settings.MESSAGE_CONTENT != "nothing":
        content |= {"flow": _line(approval.flow_name), "run": _line(approval.flow_run_name)}
    if settings.MESSAGE_CONTENT == "question":
        content["question"] = _line(approval.question)
    return content


def write_ending(approval: Approval, *, with_reason: bool = False) -> dict[str, Any]:
    """Return beside it how an approval has ended, by whom and when, and to requesters why."""
    content = write_content(approval)
    content["outcome"] = outcome_label(approval.outcome)[0]
    content["at"] = approval.closed_at.isoformat() if approval.closed_at else ""
    if settings.MESSAGE_CONTENT == "nothing":
        return content
    decision = getattr(approval, "decision", None)
    content["by"] = _line(person(decision.decided_by)) if decision else ""
    if with_reason and decision:
        content["reason"] = _line(decision.reason)
    return content


def write_commented(approval: Approval, *, by: str) -> dict[str, Any]:
    """Return beside it who commented; what they wrote is for the desk."""
    content = write_content(approval)
    return content if settings.MESSAGE_CONTENT == "nothing" else {**content, "by": _line(by)}


def write_disabled(webhook: str) -> dict[str, Any]:
    """Return what the staff is told of a webhook that was switched off."""
    return {"webhook": _line(webhook)}


def write_fallen(approval: Approval, *, because: str) -> dict[str, Any]:
    """Return beside it why the vote of whoever is told counts no more."""
    content = write_content(approval)
    because = "" if settings.MESSAGE_CONTENT == "nothing" else _line(because)
    return {**content, "because": because} if because else content


def _line(text: str) -> str:
    """Return a text of a flow or a reviewer as one plain line."""
    plain = " ".join(_NOT_PRINTED.sub(" ", text).split())
    return plain if len(plain) <= _MOST else f"{plain[: _MOST - 1]}…"
