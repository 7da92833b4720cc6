"""Who is there now of those whom policies name."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, User
from django.db.models import QuerySet

from approvals.policies.judge import Facts
from flowruns.domain.policies import Policy, WhoKind


def read_people(rules: Sequence[Policy]) -> Facts:
    """Return who is there of those whom these rules name, and in their groups."""
    groups = frozenset[str]().union(*(rule.names(WhoKind.GROUP) for rule in rules))
    named = frozenset[str]().union(*(rule.names(WhoKind.PERSON) for rule in rules))
    people = frozenset[str]()
    if any(part.is_anyone for rule in rules for part in rule.parts):
        people = _read_names(User.objects.all())
    elif named:
        people = _read_names(User.objects.filter(username__in=named))
    return Facts(groups=_read_groups(groups) if groups else {}, people=people)


def _read_names(people: QuerySet[User]) -> frozenset[str]:
    """Return by name who of these may log in."""
    return frozenset(people.filter(is_active=True).values_list("username", flat=True))


def _read_groups(names: frozenset[str]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    found = Group.objects.filter(name__in=names)
    for name, username, is_active in found.values_list("name", "user__username", "user__is_active"):
        people = members.setdefault(name, set())
        if is_active:
            people.add(username)
    return {name: frozenset(people) for name, people in members.items()}
