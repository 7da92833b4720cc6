"""Which approvals a person may see, may answer and has answered, as conditions of a query.

They are written as SQL: every page counts by them, and Django took longer to write them anew each
time than the database takes to answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q
from django.db.models.sql.compiler import SQLCompiler

from approvals.services.filters import Which

type Lists = Mapping[Which, Q]

# Whose groups are whose: of a user, and of those for whom they stand in now, as `list_absent` says
_PEOPLE = """SELECT member.user_id, NULL, team.name FROM auth_user_groups member
JOIN auth_group team ON team.id = member.group_id WHERE member.user_id = %s
UNION ALL SELECT person.id, person.username, team.name FROM approvals_absence absence
JOIN auth_user person ON person.id = absence.person_id AND person.is_active
LEFT JOIN auth_user_groups member ON member.user_id = person.id
LEFT JOIN auth_group team ON team.id = member.group_id
WHERE absence.stand_in_id = %s AND absence.removed_at IS NULL
    AND absence.since <= %s AND absence.until > %s"""
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


@dataclass(slots=True)
class _Person:
    """Somebody whose seats may be taken, and the groups that they are in now."""

    pk: int
    name: str
    groups: list[str] = field(default_factory=list)

    @property
    def sql(self) -> str:
        """Whether a seat may be theirs, open or not."""
        of_groups = _OF_GROUPS.format(", ".join(["%s"] * len(self.groups))) if self.groups else ""
        return _SEATS.format(of_groups=of_groups)

    @property
    def params(self) -> tuple[str, ...]:
        return (self.name, *self.groups)


def choose_visible(user: User) -> Q:
    """Choose what a user may see: everything, but for what is seen by those who may answer it."""
    return _choose_visible(user, _read_people(user))


def choose_lists(user: User) -> Lists:
    """Choose each of the lists from what waits; whoever may answer may see."""
    own, *absent = people = _read_people(user)
    visible = _choose_visible(user, people)
    voted, held = _choose_voted(own), Q(_Holds(_HELD, user.pk))
    mine = _choose_free(own) & ~voted
    for person in absent:
        concerned = Q(_Holds(_CONCERNED, person.pk, user.pk))
        mine |= _choose_free(person) & ~_choose_voted(person) & ~concerned & ~voted
    later = Q(_Holds(_LATER, user.pk, datetime.now(UTC)))
    return {
        Which.FOR_ME: (Q(is_guarded=False) | mine) & ~held & ~later,
        Which.ANSWERED: ((Q(is_guarded=True) & voted) | held) & visible,
        Which.ALL: visible,
    }


def _choose_visible(user: User, people: Sequence[_Person]) -> Q:
    """Choose what a user may see, who may take the seats of these people."""
    if user.has_perm("approvals.view_all"):
        return Q()
    sql = _VISIBLE.format(seats=" OR ".join(each.sql for each in people))
    taken = [name for each in people for name in each.params]
    return Q(is_hidden=False) | Q(_Holds(sql, *taken, user.pk, user.pk))


def _choose_free(person: _Person) -> Q:
    """Choose what has one of a person's seats that they may take now."""
    free = Q(_Holds(_FREE.format(seats=person.sql), *person.params))
    for_others = _Holds(_FREE_FOR_OTHERS.format(seats=person.sql), *person.params, person.pk)
    return free | (Q(askers_known=True) & Q(for_others))


def _choose_voted(person: _Person) -> Q:
    """Choose what waits and has a vote of a person, or of who stood in for them, that stands."""
    return Q(_Holds(_VOTED, person.name, person.name))


def _read_people(user: User) -> list[_Person]:
    """Return a user and for whom they stand in, as groups and absences are at this moment."""
    own = _Person(user.pk, user.get_username())
    people = {own.pk: own}
    now = connection.ops.adapt_datetimefield_value(datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [user.pk, user.pk, now, now])
        for pk, name, group in cursor.fetchall():
            person = people.setdefault(pk, _Person(pk, name))
            if group is not None:
                person.groups.append(group)
    return list(people.values())
