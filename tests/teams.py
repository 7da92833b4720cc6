"""The teams of the worked examples: F1, F2, B and R in finance, D1 and B in data, and so on."""

from typing import Any

from django.contrib.auth.models import Group, User

from approvals.models import Approval
from approvals.services import votes
from approvals.services.policies import set_policy
from approvals.services.votes import VoteResult

TEAMS = {
    "finance": "F1 F2 B R",
    "data": "D1 B",
    "board": "X1",
    "release": "L1 L2 L3 L4 L5",
    "committee": "L1 L2 L3 L4 L5",
    "hr": "H1",
    "security": "B",
    "qa": "Q1",
}
YES = {"approve": True}


def make_teams() -> None:
    """Make all of them at once, for many tests begin with it."""
    names = sorted({"Z"}.union(*(members.split() for members in TEAMS.values())))
    people = {each.username: each for each in User.objects.bulk_create(map(_new_person, names))}
    groups = Group.objects.bulk_create(Group(name=name) for name in TEAMS)
    membership = User.groups.through
    membership.objects.bulk_create(
        membership(user=people[member], group=group)
        for group in groups
        for member in TEAMS[group.name].split()
    )


def _new_person(name: str) -> User:
    return User(username=name)


def person(name: str) -> User:
    return User.objects.get_or_create(username=name)[0]


def hold(line: str, name: str = "held", **scope: str) -> None:
    """Let a policy hold for what opens from now on."""
    set_policy(name, values={"line": line, **scope})


def say_yes(approval: Approval, name: str, answer: Any = None, **options: Any) -> VoteResult:
    approval = Approval.objects.get(pk=approval.pk)
    seen = votes.mark_seen(approval, votes.read_standing(approval))
    options = {"seen": seen, **options}
    run_input = YES if answer is None else answer
    return votes.answer_approval(approval, user=person(name), run_input=run_input, **options)


def say_no(approval: Approval, name: str, reason: str = "no", **options: Any) -> VoteResult:
    approval = Approval.objects.get(pk=approval.pk)
    return votes.reject_approval(approval, user=person(name), reason=reason, **options)
