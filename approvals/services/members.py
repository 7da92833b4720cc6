"""Who is there now of those whom policies name."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, User

from approvals.policies.judge import Facts
from flowruns.domain.policies import Policy, WhoKind


def read_people(rules: Sequence[Policy]) -> Facts:
    """Return who is there of those whom these rules name, and in their groups."""
    groups = frozenset[str]().union(*(rule.names(WhoKind.GROUP) for rule in rules))
    named = frozenset[str]().union(*(rule.names(WhoKind.PERSON) for rule in rules))
    asks_anyone = any(part.is_anyone for rule in rules for part in rule.parts)
    return Facts(
        groups=_read_groups(groups) if groups else {},
        people=_read_names(None if asks_anyone else named) if asks_anyone or named else frozenset(),
    )


def _read_names(names: frozenset[str] | None) -> frozenset[str]:
    """Return who may log in of these names, of all for None."""
    people = User.objects.filter(is_active=True)
    if names is not None:
        people = people.filter(username__in=names)
    return frozenset(people.values_list("username", flat=True))


def _read_groups(names: frozenset[str]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = {}
    found = Group.objects.filter(name__in=names)
    for name, username, is_active in found.values_list("name", "user__username", "user__is_active"):
        people = members.setdefault(name, set())
        if is_active:
            people.add(username)
    return {name: frozenset(people) for name, people in members.items()}
