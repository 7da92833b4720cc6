"""Which approvals a person may see, may answer and has answered, as conditions of a query.

They are written as SQL: every page counts by them, and Django took longer to write them anew each
time than the database takes to answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.sql.compiler import SQLCompiler

from approvals.services.absences import list_absent
from approvals.services.filters import Which

type Lists = Mapping[Which, Q]

_SEATS = """(seat.kind = 'anyone' AND seat.name = ''
OR seat.kind = 'person' AND seat.name = %s{of_groups})"""
_OF_GROUPS = " OR seat.kind = 'group' AND seat.name IN ({})"
_VISIBLE = """EXISTS (SELECT 1 FROM approvals_seat seat
    WHERE seat.approval_id = {{pk}} AND ({seats}))
OR EXISTS (SELECT 1 FROM approvals_asker asker
    WHERE asker.approval_id = {{pk}} AND asker.user_id = %s)
OR EXISTS (SELECT 1 FROM approvals_vote vote
    WHERE vote.approval_id = {{pk}} AND vote.reviewer_id = %s)"""
_FREE = """{{pk}} IN (SELECT seat.approval_id FROM approvals_seat seat
WHERE {seats} AND seat.is_open = {{yes}} AND NOT seat.bars_askers)"""
_FREE_FOR_OTHERS = """{{pk}} IN (SELECT seat.approval_id FROM approvals_seat seat
WHERE {seats} AND seat.is_open = {{yes}} AND seat.bars_askers AND NOT EXISTS (
    SELECT 1 FROM approvals_asker asker
    WHERE asker.approval_id = seat.approval_id AND asker.user_id = %s))"""
# SQLite takes an index with a condition only for a query that says the same in the same words
_VOTED = """{pk} IN (
SELECT vote.approval_id FROM approvals_vote vote WHERE vote.name = %s
    AND vote.voided_at IS NULL AND vote.takes_effect_at IS NULL
    AND vote.is_open = {yes} AND vote.is_key = {no}
UNION ALL
SELECT vote.approval_id FROM approvals_vote vote WHERE vote.for_whom = %s
    AND NOT (vote.for_whom = '') AND vote.voided_at IS NULL AND vote.takes_effect_at IS NULL
    AND vote.is_open = {yes} AND vote.is_key = {no})"""
_HELD = """{pk} IN (SELECT vote.approval_id FROM approvals_vote vote
WHERE vote.reviewer_id = %s AND vote.voided_at IS NULL AND vote.takes_effect_at IS NOT NULL)"""
_LATER = """{pk} IN (SELECT later.approval_id FROM approvals_putoff later
WHERE later.user_id = %s AND later.until > %s)"""
# Nobody stands in for who asked, nor where they have asked themselves
_CONCERNED = """{pk} IN (SELECT asker.approval_id FROM approvals_asker asker
WHERE asker.user_id IN (%s, %s))"""


class _Holds(Func):
    """SQL that holds for an approval or does not.

    In it `{pk}` is the approval's id, and `{yes}` and `{no}` are what columns hold.
    """

    def __init__(self, sql: str, *params: Any) -> None:
        super().__init__(F("pk"), output_field=BooleanField())
        self.sql, self.params = sql, params

    def as_sql(  # type: ignore[override]  # what is left out is for what this is not
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, Sequence[Any]]:
        pk, _params = compiler.compile(self.source_expressions[0])
        adapt = connection.ops.adapt_datetimefield_value
        params = [adapt(each) if isinstance(each, datetime) else each for each in self.params]
        yes, no = ("true", "false") if connection.vendor == "postgresql" else ("1", "0")
        return f"({self.sql.format(pk=pk, yes=yes, no=no)})", params


@dataclass(frozen=True, slots=True)
class _Seats:
    """The seats that a person may take, open or not, as the groups are now."""

    sql: str
    params: tuple[str, ...]


def choose_visible(user: User) -> Q:
    """Choose what a user may see: everything, but for what is seen by those who may answer it."""
    return _choose_visible(user, [_seats_of(each) for each in [user, *list_absent(user)]])


def choose_lists(user: User) -> Lists:
    """Choose each of the lists from what waits; whoever may answer may see."""
    absent = list_absent(user)
    own, *of_others = seats = [_seats_of(each) for each in [user, *absent]]
    visible = _choose_visible(user, seats)
    voted, held = _choose_voted(user), Q(_Holds(_HELD, user.pk))
    mine = _choose_free(user, own) & ~voted
    for person, theirs in zip(absent, of_others, strict=True):
        concerned = Q(_Holds(_CONCERNED, person.pk, user.pk))
        mine |= _choose_free(person, theirs) & ~_choose_voted(person) & ~concerned & ~voted
    later = Q(_Holds(_LATER, user.pk, datetime.now(UTC)))
    return {
        Which.FOR_ME: (Q(is_guarded=False) | mine) & ~held & ~later,
        Which.ANSWERED: ((Q(is_guarded=True) & voted) | held) & visible,
        Which.ALL: visible,
    }


def _choose_visible(user: User, seats: Sequence[_Seats]) -> Q:
    """Choose what a user may see, whose are these seats, or those of whom they stand in for."""
    if user.has_perm("approvals.view_all"):
        return Q()
    sql = _VISIBLE.format(seats=" OR ".join(each.sql for each in seats))
    taken = [name for each in seats for name in each.params]
    return Q(is_hidden=False) | Q(_Holds(sql, *taken, user.pk, user.pk))


def _choose_free(user: User, seats: _Seats) -> Q:
    """Choose what has one of a user's seats that they may take now."""
    free = Q(_Holds(_FREE.format(seats=seats.sql), *seats.params))
    for_others = Q(_Holds(_FREE_FOR_OTHERS.format(seats=seats.sql), *seats.params, user.pk))
    return free | (Q(askers_known=True) & for_others)


def _choose_voted(user: User | AnonymousUser) -> Q:
    """Choose what waits and has a vote of a user, or of who stood in for them, that stands."""
    return Q(_Holds(_VOTED, user.get_username(), user.get_username()))


def _seats_of(user: User) -> _Seats:
    groups = list(user.groups.values_list("name", flat=True))
    of_groups = _OF_GROUPS.format(", ".join(["%s"] * len(groups))) if groups else ""
    return _Seats(_SEATS.format(of_groups=of_groups), (user.get_username(), *groups))
