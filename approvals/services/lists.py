"""Which approvals a person may see, may answer and has answered, as conditions of a query.

They are written as SQL: every page counts by them, and Django took longer to write them anew each
time than the database takes to answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from django.contrib.auth.models import AnonymousUser, User
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Lookup, Q
from django.db.models.sql.compiler import SQLCompiler

from approvals.models import Approval
from approvals.services.filters import Which

type Lists = Mapping[Which, Rule]

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
_VISIBLE = """NOT {{approval}}.is_hidden
OR EXISTS (SELECT 1 FROM approvals_seat seat
    WHERE seat.approval_id = {{approval}}.id AND ({seats}))
OR EXISTS (SELECT 1 FROM approvals_asker asker
    WHERE asker.approval_id = {{approval}}.id AND asker.user_id = %s)
OR EXISTS (SELECT 1 FROM approvals_vote vote
    WHERE vote.approval_id = {{approval}}.id AND vote.reviewer_id = %s)"""
_FREE = """{{approval}}.id IN (SELECT seat.approval_id FROM approvals_seat seat
    WHERE {seats} AND seat.is_open = true AND (NOT seat.bars_askers OR NOT EXISTS (
        SELECT 1 FROM approvals_asker asker
        WHERE asker.approval_id = seat.approval_id AND asker.user_id = %s)))
AND ({{approval}}.askers_known OR {{approval}}.id IN (SELECT seat.approval_id
    FROM approvals_seat seat WHERE {seats} AND seat.is_open = true AND NOT seat.bars_askers))"""
# As two, and with `is_open` and `is_key` compared, SQLite sees that indexes have what is open alone
_OPEN_VOTES = """SELECT vote.approval_id FROM approvals_vote vote WHERE vote.voided_at IS NULL
    AND vote.takes_effect_at IS NULL AND vote.is_open = %s AND vote.is_key = %s AND """
_VOTED = f"""{{approval}}.id IN ({_OPEN_VOTES} vote.name = %s
    UNION ALL {_OPEN_VOTES} vote.for_whom = %s AND NOT vote.for_whom = '')"""
_HELD = """{approval}.id IN (SELECT vote.approval_id FROM approvals_vote vote
    WHERE vote.reviewer_id = %s AND vote.voided_at IS NULL AND vote.takes_effect_at IS NOT NULL)"""
_LATER = """{approval}.id IN (SELECT later.approval_id FROM approvals_putoff later
    WHERE later.user_id = %s AND later.until > %s)"""
_COUNT_WAITING = """SELECT COUNT(*) FROM approvals_approval approval
WHERE approval.outcome = 'waiting' AND {rule}"""
# Nobody stands in for who asked, nor where they have asked themselves
_CONCERNED = """{approval}.id IN (SELECT asker.approval_id FROM approvals_asker asker
    WHERE asker.user_id IN (%s, %s))"""


class Rule:
    """SQL that holds for an approval or does not; `{approval}` in it is the table of approvals."""

    def __init__(self, sql: str, *params: Any) -> None:
        self.sql, self.params = sql, params

    def __and__(self, other: Self) -> "Rule":
        return Rule(f"({self.sql}) AND ({other.sql})", *self.params, *other.params)

    def __or__(self, other: Self) -> "Rule":
        return Rule(f"({self.sql}) OR ({other.sql})", *self.params, *other.params)

    def __invert__(self) -> "Rule":
        return Rule(f"NOT ({self.sql})", *self.params)

    def as_q(self) -> Q:
        """Return it as a condition of a query."""
        return Q() if self is _ALWAYS else Q(_Holds(self))

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that has it as `{rule}` and calls the table `approval`."""
        with connection.cursor() as cursor:
            cursor.execute(statement.format(rule=self.write("approval")), self.adapt(connection))
            return list(cursor.fetchall())

    def write(self, approval: str) -> str:
        """Return its SQL, where the table of approvals has a name."""
        return f"({self.sql.format(approval=approval)})"

    def adapt(self, connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
        """Return its parameters as a database takes them."""
        adapt = connection.ops.adapt_datetimefield_value
        return tuple(adapt(each) if isinstance(each, datetime) else each for each in self.params)


_ALWAYS = Rule("true")
_NEVER = Rule("1 = 0")
_GUARDED = Rule("{approval}.is_guarded")


class _Holds(Lookup):
    """A rule as a condition of a query.

    A lookup, since SQLite would get `(…) = 1` of any other expression, and decides that late.
    """

    prepare_rhs = False

    def __init__(self, rule: Rule) -> None:
        super().__init__(F("pk"), rule)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        pk, _params = self.process_lhs(compiler, connection)
        return self.rhs.write(pk.rpartition(".")[0]), self.rhs.adapt(connection)


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


def to_rule(condition: Q) -> Rule:
    """Return a condition of a query as a rule, where the table of approvals has its own name."""
    if not condition:
        return _ALWAYS
    query = Approval.objects.filter(condition).query
    sql, params = query.get_compiler(DEFAULT_DB_ALIAS).compile(query.where)
    return Rule(sql.replace("{", "{{").replace("}", "}}"), *params)


def see(user: User | AnonymousUser) -> Rule:
    """What a user may see: everything, but for what is seen by those who may answer it."""
    return _NEVER if isinstance(user, AnonymousUser) else _see(user, _read_people(user))


def count_mine(user: User) -> int:
    """Count what waits for a user's answer."""
    ((count,),) = _choose_mine(user, _read_people(user)).select(_COUNT_WAITING)
    return int(count)


def choose_lists(user: User) -> Lists:
    """Choose each of the lists from what waits; whoever may answer may see."""
    people = _read_people(user)
    visible, voted, held = _see(user, people), _have_voted(people[0]), Rule(_HELD, user.pk)
    answered = ((_GUARDED & voted) | held) & visible
    return {
        Which.FOR_ME: _choose_mine(user, people),
        Which.ANSWERED: answered,
        Which.ALL: visible,
    }


def _choose_mine(user: User, people: Sequence[_Person]) -> Rule:
    """What a user may answer, of whom and of those for whom they stand in these people are."""
    own, *absent = people
    voted = _have_voted(own)
    mine = _may_answer(own) & ~voted
    for person in absent:
        concerned = Rule(_CONCERNED, person.pk, user.pk)
        mine |= _may_answer(person) & ~_have_voted(person) & ~concerned & ~voted
    held, later = Rule(_HELD, user.pk), Rule(_LATER, user.pk, datetime.now(UTC))
    return (~_GUARDED | mine) & ~held & ~later


def _see(user: User, people: Sequence[_Person]) -> Rule:
    """What a user may see, who may take the seats of these people."""
    if user.has_perm("approvals.view_all"):
        return _ALWAYS
    sql = _VISIBLE.format(seats=" OR ".join(each.sql for each in people))
    taken = [name for each in people for name in each.params]
    return Rule(sql, *taken, user.pk, user.pk)


def _may_answer(person: _Person) -> Rule:
    """What has one of a person's seats that they may take now."""
    return Rule(_FREE.format(seats=person.sql), *person.params, person.pk, *person.params)


def _have_voted(person: _Person) -> Rule:
    """What waits and has a vote of a person, or of who stood in for them, that stands."""
    return Rule(_VOTED, True, False, person.name, True, False, person.name)


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
