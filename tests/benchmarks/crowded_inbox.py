"""An inbox with very much in it: made of rows, since so many runs would take an hour to begin."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.contrib.auth.models import Group, User

from approvals.models import Approval, Asker, Decision, Facet, Presence, Seat, Vote
from tests.integration.conftest import APPROVAL_SCHEMA

POLICIES = 50
PEOPLE = 200
_NOW = datetime.now(UTC)
_SCHEMA = json.dumps(APPROVAL_SCHEMA)


def fill_inbox(waiting: int, *, ended: int = 0) -> User:
    """Make so many more approvals under 50 policies of 200 people; returns one of these people."""
    if not User.objects.filter(username="person-0").exists():
        _make_people()
    people = list(User.objects.filter(username__startswith="person-").order_by("pk"))
    rows = [_make_approval(n, is_waiting=n < waiting) for n in range(waiting + ended)]
    Approval.objects.bulk_create(rows, batch_size=500)
    _guard([row for row in rows if row.is_guarded], people)
    _decide([row for row in rows if not row.is_waiting], people)
    return people[0]


def _make_people() -> None:
    people = User.objects.bulk_create(User(username=f"person-{n}") for n in range(PEOPLE))
    groups = Group.objects.bulk_create(Group(name=f"team-{n}") for n in range(POLICIES))
    User.groups.through.objects.bulk_create(
        User.groups.through(user=person, group=groups[(number + step) % POLICIES])
        for number, person in enumerate(people)
        for step in (0, 7, 19)
    )


def _make_approval(number: int, *, is_waiting: bool) -> Approval:
    policy = number % POLICIES
    opened = _NOW - timedelta(seconds=number)
    return Approval(
        flow_run_id=uuid4(),
        pause_state_id=uuid4(),
        flow_name=f"flow-{number % 40}",
        flow_run_name=f"run-{number}",
        title=f"Pay out {number}?",
        question=f"Pay out {number}? The customer has waited for a while.",
        tags=[f"tag-{number % 30}", "eu"],
        opened_at=opened,
        expires_at=opened + timedelta(hours=6) if number % 5 else None,
        neglected_at=opened + timedelta(hours=3),
        closed_at=None if is_waiting else _NOW,
        outcome=Approval.Outcome.WAITING if is_waiting else Approval.Outcome.ANSWERED,
        is_guarded=bool(number % 10),
        is_hidden=policy == 7,
        policies=[{"line": f"2 of @team-{policy}", "seats": [2], "origin": "x", "problem": ""}],
    )


def _guard(approvals: list[Approval], people: list[User]) -> None:
    seats, votes, facets, askers = [], [], [], []
    for number, row in enumerate(approvals):
        policy = int(row.policies[0]["line"].rpartition("-")[2])
        for part, team in enumerate({policy, (policy + 1) % POLICIES}):
            seats.append(
                Seat(
                    approval=row,
                    line=0,
                    part=part,
                    kind="group",
                    name=f"team-{team}",
                    is_open=row.is_waiting,
                    bars_askers=policy % 2 == 0,
                )
            )
        asker = people[number % PEOPLE]
        askers.append(Asker(approval=row, user=asker, name=asker.username))
        if number % 3 == 0:
            voter = people[(number * 7) % PEOPLE]
            votes.append(
                Vote(
                    approval=row,
                    reviewer=voter,
                    name=voter.username,
                    kind="yes",
                    at=_NOW,
                    is_open=row.is_waiting,
                )
            )
        if row.is_waiting:
            facets += [
                Facet(approval=row, kind="tag", name=tag, is_hidden=row.is_hidden)
                for tag in row.tags
            ]
            facets.append(
                Facet(approval=row, kind="flow", name=row.flow_name, is_hidden=row.is_hidden)
            )
            facets.append(
                Facet(approval=row, kind="policy", name=f"policy-{policy}", is_hidden=row.is_hidden)
            )
    Seat.objects.bulk_create(seats, batch_size=500)
    Vote.objects.bulk_create(votes, batch_size=500)
    Facet.objects.bulk_create(facets, batch_size=500)
    Asker.objects.bulk_create(askers, batch_size=500)
    Presence.objects.bulk_create(
        Presence(approval=row, user=people[1], seen_at=_NOW) for row in approvals[:20]
    )


def _decide(approvals: list[Approval], people: list[User]) -> None:
    """Have what ended be answered, by each of the people in turn."""
    deciders = [people[number % PEOPLE] for number in range(len(approvals))]
    Decision.objects.bulk_create(
        [
            Decision(
                approval=row,
                reviewer=decider,
                decided_by=decider.username,
                decided_at=_NOW,
                answer=f'{{"approve": true, "reason": "ticket {number % 50}"}}',
                schema=_SCHEMA,
            )
            for number, (row, decider) in enumerate(zip(approvals, deciders, strict=True))
        ],
        batch_size=500,
    )
