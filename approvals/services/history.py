"""What has ended, as reviewers see it: the whole history, and what a run was asked before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import STANDING, Approval, Vote
from approvals.services.inbox import visible_to
from approvals.services.lists import Rule, see
from approvals.services.names import read_names
from flowruns.models.prepared import PreparedQuery

type Place = tuple[datetime, UUID]

PAGE_SIZE = 50
# Beyond that nobody needs the exact number, and counting would take long.
MAX_COUNTED = 10_000

_EARLIER = 20
_PART = 500  # approvals read at once for an export
_MOST_NAMES = 10_000
_PLACE = ("closed_at", "pk")
_rows = PreparedQuery(Approval.objects.select_related("decision"), by="pk__in")
# One of those that a run had before: most had none, and who may see them takes long to find out
_closed = PreparedQuery(
    Approval.objects.only("pk"), by=("connector", "flow_run_id", "closed_at__lte"), most=1
)

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
_OF_HIDDEN = """SELECT DISTINCT approval.flow_name, decision.decided_by
FROM approvals_approval approval
LEFT JOIN approvals_decision decision ON decision.approval_id = approval.id
WHERE approval.is_hidden = true AND approval.outcome <> 'waiting' AND {rule}"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """A page of what has ended, newest first.

    `count` passes the filters in all, up to `MAX_COUNTED` and one more. `older` is where the next
    page begins, None on the last one. By `people` and `flows` the history can be filtered.
    """

    approvals: list[Approval]
    count: int
    older: Place | None
    people: list[str]
    flows: list[str]


def read_history(
    user: User, filters: HistoryFilters, *, before: Place | None = None
) -> HistoryPage:
    """Return one page of what this user may see; `before` is where the page before it ended."""
    seen = see(user)
    approvals, older = _read_part(_list_ended(seen.as_q(), filters, before), PAGE_SIZE)
    people, flows = _read_choices(seen)
    return HistoryPage(
        approvals=approvals,
        count=_list_ended(seen.as_q(), filters).order_by()[: MAX_COUNTED + 1].count(),
        older=older,
        people=people,
        flows=flows,
    )


def read_whole_history(user: User, filters: HistoryFilters) -> Iterator[list[Approval]]:
    """Yield all that passes `filters`, newest first, a part at a time."""
    part, before = _read_part(list_history(user, filters), _PART)
    yield part
    while before is not None:
        part, before = _read_part(list_history(user, filters, before=before), _PART)
        yield part


def list_history(
    user: User, filters: HistoryFilters, *, before: Place | None = None
) -> QuerySet[Approval]:
    """Return the ended approvals that this user may see and that pass `filters`, newest first.

    `before` is the place of the last one that the reader has seen.
    """
    return _list_ended(see(user).as_q(), filters, before)


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


def _list_ended(
    seen: Q, filters: HistoryFilters, before: Place | None = None
) -> QuerySet[Approval]:
    # A decision bears the moment that closed its approval: by it an index holds a person's in order
    at, key = ("decision__decided_at", "decision__approval_id") if filters.person else _PLACE
    chosen = {
        "decision__decided_by": filters.person,
        "flow_name": filters.flow,
        "outcome": filters.outcome,
        f"{at}__gte": filters.since,
        f"{at}__lt": filters.until,
    }
    ended = seen & ~Q(outcome=Approval.Outcome.WAITING)
    ended &= Q(**{name: value for name, value in chosen.items() if value})
    for word in filters.text.split():
        ended &= _mentions(word)
    if before is not None:
        moment, last = before
        # Said twice, since no index leads to the place by an OR
        ended &= Q(**{f"{at}__lt": moment}) | Q(**{at: moment, f"{key}__lt": last})
        ended &= Q(**{f"{at}__lte": moment})
    return Approval.objects.filter(ended).order_by(f"-{at}", f"-{key}")


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


def _read_part(chosen: QuerySet[Approval], most: int) -> tuple[list[Approval], Place | None]:
    """Return the first rows with their decisions, and where they end if there are more.

    Their places are read first, since whole rows take longer to choose from.
    """
    found = chosen.values_list("closed_at", "pk")[: most + 1]
    places = [(cast("datetime", moment), pk) for moment, pk in found]
    # One that is deleted between the two reads is left out, and ends nothing
    rows = _rows.find_in_order([pk for _, pk in places[:most]])
    return rows, places[most - 1] if places[most:] else None


def _read_choices(seen: Rule) -> tuple[list[str], list[str]]:
    """Return the people and the flows that history can be filtered by."""
    hidden = seen.select(_OF_HIDDEN)
    open_people, open_flows = read_names(_DECIDERS, _FLOWS, most=_MOST_NAMES)
    people = {person for _, person in hidden if person is not None}
    flows = {flow for flow, _ in hidden}
    return (
        sorted({*people, *open_people}),
        sorted({*flows, *open_flows}),
    )
