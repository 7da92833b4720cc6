"""What a reviewer chooses of the inbox: which list, what of it, in which order."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial

from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.expressions import OrderBy

from approvals.models import STANDING, Facet, Vote
from approvals.services.presence import list_fresh
from flowruns.connectors import LOCAL

# Chooses what anyone may answer
NO_POLICY = "-"
# Chooses what runs on this server
THIS_SERVER = "-"

_NEGLECTED_AFTER = timedelta(days=1)


class Which(StrEnum):
    """The three lists of the inbox."""

    FOR_ME = "mine"
    ANSWERED = "answered"
    ALL = "all"

    @property
    def label(self) -> str:
        return {"mine": "Waits for you", "answered": "Answered by you", "all": "All"}[self]

    @property
    def sentence(self) -> str:
        """What the list holds, for who reads it."""
        return {
            "mine": "What you may answer.",
            "answered": "What you have answered and what waits for others now.",
            "all": "All that waits and that you may see.",
        }[self]


class Due(StrEnum):
    """How soon an approval's time is over."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    NEVER = "never"

    @property
    def label(self) -> str:
        return {
            "hour": "Within an hour",
            "day": "Within a day",
            "week": "Within a week",
            "never": "No deadline",
        }[self]


class Sort(StrEnum):
    """The orders of the inbox."""

    URGENT = "urgent"
    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"

    @property
    def label(self) -> str:
        return {
            "urgent": "Most urgent first",
            "newest": "Newest first",
            "oldest": "Oldest first",
            "name": "By name",
        }[self]

    @property
    def sentence(self) -> str:
        """The order as a sentence ends with it."""
        return "in the order of their names" if self is Sort.NAME else f"the {self.label.lower()}"


_ORDERS: dict[Sort, list[str | OrderBy]] = {
    Sort.URGENT: [F("expires_at").asc(nulls_last=True), "opened_at", "id"],
    Sort.NEWEST: ["-opened_at", "-id"],
    Sort.OLDEST: ["opened_at", "id"],
    Sort.NAME: ["title", "flow_name", "flow_run_name", "id"],
}
_WITHIN = {Due.HOUR: timedelta(hours=1), Due.DAY: timedelta(days=1), Due.WEEK: timedelta(weeks=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilters:
    """What is wanted of the inbox; what is empty narrows nothing.

    Every word of `text` has to occur. `is_neglected` chooses what nobody answers: nobody can, or
    half of its time (a day at most) has passed, and nobody has voted or has it open.
    """

    which: Which = Which.FOR_ME
    text: str = ""
    flow: str = ""
    tag: str = ""
    policy: str = ""
    server: str = ""
    due: Due | None = None
    is_neglected: bool = False
    sort: Sort = Sort.URGENT
    by_flow: bool = False

    @property
    def narrows(self) -> bool:
        """Whether something of the list is left out."""
        return self != replace(
            InboxFilters(), which=self.which, sort=self.sort, by_flow=self.by_flow
        )

    def choose(self, *, of_few: bool = False) -> Q:
        """Return the condition that approvals pass which wait and are wanted.

        `of_few` says that few are looked at, for each of which its facets are looked up.
        """
        has_facet = partial(_has_facet, of_few=of_few)
        chosen = Q()
        for word in self.text.replace("\x00", "").split():
            chosen &= _mentions(word)
        if self.flow:
            chosen &= Q(flow_name=self.flow)
        if self.tag:
            chosen &= has_facet(Facet.Kind.TAG, self.tag)
        if self.policy:
            is_free = self.policy == NO_POLICY
            chosen &= Q(is_guarded=False) if is_free else has_facet(Facet.Kind.POLICY, self.policy)
        if self.server:
            is_ours = self.server == THIS_SERVER
            chosen &= Q(connector=LOCAL) if is_ours else has_facet(Facet.Kind.SERVER, self.server)
        if self.due is not None:
            chosen &= _is_due(self.due)
        if self.is_neglected:
            chosen &= _nobody_answers()
        return chosen

    def order(self) -> list[str | OrderBy]:
        """Return what the list is ordered by, without two that could stand either way."""
        return [*(["flow_name"] if self.by_flow else []), *_ORDERS[self.sort]]


def as_case(rule: Q) -> Case:
    """Return a rule as a CASE, which stops at what decides and is no way into a table.

    SQLite looks at both sides of an AND whose value is wanted.
    """
    return Case(When(rule, then=Value(True)), default=Value(False))


def find_neglected_at(opened_at: datetime, expires_at: datetime | None) -> datetime:
    """Return from when on an approval counts as one that nobody answers, if nobody has begun."""
    half = (expires_at - opened_at) / 2 if expires_at else _NEGLECTED_AFTER
    return opened_at + min(half, _NEGLECTED_AFTER)


def _mentions(word: str) -> Q:
    return (
        Q(flow_name__icontains=word)
        | Q(flow_run_name__icontains=word)
        | Q(question__icontains=word)
        | Q(about__icontains=word)
        | Q(tags__icontains=word)
        | (Q(connector__icontains=word) & ~Q(connector=LOCAL))
    )


def _has_facet(kind: Facet.Kind, name: str, *, of_few: bool) -> Q:
    facets = Facet.objects.filter(kind=kind, name=name)
    if of_few:
        # With `is_hidden`, which is the approval's own, each is found in one index
        mine = facets.filter(approval=OuterRef("pk"), is_hidden=OuterRef("is_hidden"))
        return Q(Exists(mine))
    # Or SQLite would look for each approval of the facet: reading what waits is faster
    return Q(as_case(Q(pk__in=facets.values("approval"))))


def _is_due(due: Due) -> Q:
    if due is Due.NEVER:
        return Q(expires_at__isnull=True)
    return Q(expires_at__lte=datetime.now(UTC) + _WITHIN[due])


def _nobody_answers() -> Q:
    votes = Vote.objects.filter(STANDING, approval=OuterRef("pk"))
    here = list_fresh().filter(approval=OuterRef("pk"))
    is_idle = Q(neglected_at__lte=datetime.now(UTC)) & ~Exists(votes) & ~Exists(here)
    return ~Q(obstacle="") | is_idle
