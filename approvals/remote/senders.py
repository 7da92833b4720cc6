"""Who an answer on another server is from: the name under which we store ours, and read others'.

A Prefect server keeps nobody's name but this one.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from approvals.models import Attempt
from flowruns.domain.actors import Actor, server

_MARK = "approvals"
_SOMEBODY = "somebody"
_MAX_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A reviewer of a desk such as this one, and the attempt that their answer was."""

    desk: str
    attempt_id: UUID
    reviewer: str


def write_sender(attempt: Attempt) -> str:
    """Return the name under which an attempt's answer is stored on its server."""
    desk = urlsplit(settings.PUBLIC_URL).netloc.replace(":", "-")
    return f"{_MARK}:{desk}:{attempt.pk}:{attempt.told_name}"


def read_sender(text: str | None) -> Sender | None:
    """Return which desk's reviewer a stored answer is from, None where nobody says so."""
    mark, *rest = (text or "").split(":", 3)
    if mark != _MARK or len(rest) != 3:
        return None
    desk, attempt, reviewer = rest
    try:
        return Sender(desk=desk, attempt_id=UUID(attempt), reviewer=reviewer)
    except ValueError:
        return None


def name_elsewhere(connector: str, sender: str | None = None) -> Actor:
    """Return who did something on another server, as far as that is known there."""
    found = read_sender(sender)
    who = found.reviewer[:_MAX_NAME] if found else _SOMEBODY
    desk = f" ({found.desk[:_MAX_NAME]})" if found and found.desk else ""
    return server(f"{who}{desk} on {connector}")
