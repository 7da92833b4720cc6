"""Deciding: exactly one reviewer's answer or rejection ends a pause."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import STANDING, Approval, Attempt, Decision, Vote
from approvals.services import attempts
from approvals.services.inbox import visible_to
from approvals.services.names import read_names
from approvals.services.sources import find_source
from flowruns.connectors import PauseForm, Reply
from flowruns.domain.actors import reviewer
from flowruns.domain.errors import EvaluationBusy, FlowRunNotFound, Unprocessable
from flowruns.models.prepared import PreparedQuery

type Path = tuple[str | int, ...]
_EARLIER = 20
# One of those that a run had before: most had none, and who may see them takes long to find out
_closed = PreparedQuery(
    Approval.objects.only("pk"), by=("connector", "flow_run_id", "closed_at__lte"), most=1
)

type Place = tuple[datetime, UUID]

_PLACE = ("closed_at", "pk")

# Beyond that nobody needs the exact number, and counting would take long.
MAX_COUNTED = 10_000
_PART = 500  # approvals read at once for an export
_MOST_NAMES = 10_000

_FLOWS = """
SELECT flow_name FROM approvals_approval
WHERE is_hidden = false AND flow_name > names.name AND outcome <> 'waiting'
ORDER BY flow_name LIMIT 1
"""
_DECIDERS = """
SELECT decided_by FROM approvals_decision AS decision
JOIN approvals_approval AS approval ON approval.id = decision.approval_id
WHERE decided_by > names.name AND NOT approval.is_hidden
ORDER BY decided_by LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFilters:
    """What of the history is wanted; what is empty or None narrows nothing.

    Every word of `text` has to occur. `until` is the first moment that is too late.
    """

    text: str = ""
    person: str = ""
    flow: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """This reviewer decided."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer was refused and the run still waits; `problems` are (path, message)."""

    reason: str
    problems: Sequence[tuple[Path, str]] = ()


@dataclass(frozen=True, slots=True)
class TooLate:
    """The approval had ended before: answered, rejected, expired or withdrawn."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Sent:
    """It is on its way to the server where the run lives, which has not confirmed it yet."""


type Result = Decided | Refused | TooLate | Sent


def read_form(approval: Approval) -> PauseForm:
    """Return what the approval asks, as it was asked if it is decided."""
    decision = getattr(approval, "decision", None)
    if decision is not None:
        return PauseForm(schema=decision.schema or None, description=decision.description or None)
    connector = find_source(approval)
    return connector.read_pause_form(approval.flow_run_id, approval.pause_state_id)


def answer_approval(approval: Approval, *, user: User, run_input: Any) -> Result:
    """Answer in the user's name; `run_input` is a JSON value, {} where nothing is asked."""
    connector = find_source(approval)
    try:
        reply = connector.resume_flow_run(
            approval.flow_run_id,
            run_input=run_input,
            pause_state_id=approval.pause_state_id,
            actor=reviewer(user.get_username()),
        )
    except FlowRunNotFound:
        return too_late(approval)
    except (EvaluationBusy, Unprocessable) as error:
        return Refused(str(error))
    return conclude(approval, reply)


def reject_approval(approval: Approval, *, user: User, reason: str) -> Result:
    """Cancel the run in the user's name; the flow is told the reason and who gave it."""
    connector = find_source(approval)
    try:
        reply = connector.reject_flow_run(
            approval.flow_run_id,
            reason=reason,
            pause_state_id=approval.pause_state_id,
            actor=reviewer(user.get_username()),
        )
    except FlowRunNotFound:
        return too_late(approval)
    return conclude(approval, reply)


def list_earlier(approval: Approval, *, user: User) -> list[Approval]:
    """Return the last approvals of the same run that ended before this one, newest first."""
    if not _closed.find_all(approval.connector, approval.flow_run_id, approval.opened_at):
        return []
    ended = (
        visible_to(user)
        .exclude(outcome=Approval.Outcome.WAITING)
        .filter(
            connector=approval.connector,
            flow_run_id=approval.flow_run_id,
            closed_at__lte=approval.opened_at,
        )
    )
    return list(ended.select_related("decision").order_by("-closed_at")[:_EARLIER])


def list_history(
    user: User, filters: HistoryFilters, *, before: Place | None = None
) -> QuerySet[Approval]:
    """Return the ended approvals that this user may see and that pass `filters`, newest first.

    `before` is the place of the last one that the reader has seen.
    """
    ended = visible_to(user).exclude(outcome=Approval.Outcome.WAITING)
    for word in filters.text.split():
        ended = ended.filter(_mentions(word))
    # A decision bears the moment that closed its approval: by it an index holds a person's in order
    at, key = ("decision__decided_at", "decision__approval_id") if filters.person else _PLACE
    chosen = {
        "decision__decided_by": filters.person,
        "flow_name": filters.flow,
        "outcome": filters.outcome,
        f"{at}__gte": filters.since,
        f"{at}__lt": filters.until,
    }
    ended = ended.filter(**{name: value for name, value in chosen.items() if value})
    if before is not None:
        moment, last = before
        # Said twice, since no index leads to the place by an OR
        ended = ended.filter(
            Q(**{f"{at}__lt": moment}) | Q(**{at: moment, f"{key}__lt": last}),
            **{f"{at}__lte": moment},
        )
    ended = ended.select_related("decision__reviewer").prefetch_related("votes")
    return ended.order_by(f"-{at}", f"-{key}")


def count_history(user: User, filters: HistoryFilters) -> int:
    """Count what passes `filters`, up to `MAX_COUNTED` and one more."""
    return list_history(user, filters).order_by()[: MAX_COUNTED + 1].count()


def read_whole_history(user: User, filters: HistoryFilters) -> Iterator[Approval]:
    """Yield all that passes `filters`, newest first, a part at a time."""
    before: Place | None = None
    while part := list(list_history(user, filters, before=before)[:_PART]):
        yield from part
        before = place_of(part[-1])


def place_of(approval: Approval) -> Place:
    """Return where an ended approval stands in the history."""
    return cast("datetime", approval.closed_at), approval.pk


def _mentions(word: str) -> Q:
    """Find a word in all that the list shows but the answers, whose secrets it would betray."""
    named = Q(name__icontains=word) | Q(for_whom__icontains=word)
    voted = Vote.objects.filter(STANDING, named, approval=OuterRef("pk"))
    return (
        Q(Exists(voted))
        | Q(flow_name__icontains=word)
        | Q(flow_run_name__icontains=word)
        | Q(question__icontains=word)
        | Q(tags__icontains=word)
        | Q(decision__reason__icontains=word)
        | Q(decision__decided_by__icontains=word)
    )


def list_deciders(user: User) -> list[str]:
    """Return the names that history can be filtered by."""
    hidden = Decision.objects.filter(approval__in=_hidden_from_others(user))
    return sorted(
        {*read_names(_DECIDERS, most=_MOST_NAMES), *hidden.values_list("decided_by", flat=True)}
    )


def list_decided_flows(user: User) -> list[str]:
    """Return the flows that history can be filtered by."""
    hidden = _hidden_from_others(user).values_list("flow_name", flat=True)
    return sorted({*read_names(_FLOWS, most=_MOST_NAMES), *hidden.distinct()})


def _hidden_from_others(user: User) -> QuerySet[Approval]:
    return visible_to(user).filter(is_hidden=True).exclude(outcome=Approval.Outcome.WAITING)


def conclude(approval: Approval, reply: Reply) -> Result:
    """Say what the reply of the run's server means for an approval."""
    if reply.accepted:
        return Sent() if reply.still_waits else Decided()
    approval.refresh_from_db()
    if approval.is_waiting:
        return Refused(reply.reason, reply.problems)
    return too_late(approval)


def await_verdict(approval: Approval, *, user: User) -> Result:
    """Wait a few seconds for what becomes of what a user has sent to another server."""
    attempt = attempts.await_verdict(approval, user=user)
    match attempt.outcome if attempt else Attempt.Outcome.OPEN:
        case Attempt.Outcome.DONE:
            return Decided()
        case Attempt.Outcome.LOST:
            return too_late(approval)
        case Attempt.Outcome.REFUSED if attempt:
            return Refused(attempt.words, [(tuple(path), why) for path, why in attempt.problems])
        case _:
            return Sent()


def too_late(approval: Approval) -> TooLate:
    """Return how an approval has ended."""
    return TooLate(Approval.objects.select_related("decision__reviewer").get(pk=approval.pk))
