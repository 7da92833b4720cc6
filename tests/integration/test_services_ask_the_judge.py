"""Every way to an answer that passes no route of its own asks the judge, for every kind of policy.

The routes have a matrix of their own; here are several at once, a held vote, a press in Slack, an
attempt on another server, and a reminder.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import EmailField, Value
from django.db.models.functions import Concat

from approvals.messages import slack_api, slack_asked, slack_buttons, slack_notes
from approvals.models import Approval, Attempt
from approvals.services import bulk, holding, votes
from approvals.services.bulk import Pick, Verb
from approvals.services.stepping import take_due_steps
from tests.fake_prefect import FakePrefect
from tests.integration.conftest import Make, Run
from tests.integration.elsewhere import ask_there
from tests.sources import find_callers
from tests.teams import hold, make_teams, person

type Way = Callable[[Approval, str], None]

pytestmark = pytest.mark.django_db

PEOPLE = ("F1", "B", "D1", "H1")
# Who lets a run go on alone: the operator's line, the author's, and these people
POLICIES: list[tuple[str, str, set[str]]] = [
    ("anyone", "", set(PEOPLE)),
    ("1 of @finance", "", {"F1", "B"}),
    ("2 of @finance + 1 of @data", "", set()),
    ("anyone, not the requester", "", set()),  # nobody knows who asked
    ("1 of F1 or key:ci", "", {"F1"}),
    ("1 of key:ci", "", set()),
    ("1 of @hr, seen by them only", "", {"H1"}),
    ("1 of @finance", "1 of @data", {"B"}),
    ("1 of F1", "1 of @data", set()),
    ("anyone", "1 of @data", {"D1", "B"}),
]


@pytest.fixture(autouse=True)
def teams(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The teams, and Slack, where the id of a member is their name at the desk."""
    make_teams()
    address = Concat("username", Value("@example.com"), output_field=EmailField())
    User.objects.update(email=address)

    def call(method: str, *, user: str = "", email: str = "", **_: Any) -> dict[str, Any]:
        member = user or email.partition("@")[0]
        profile = {"email": f"{member}@example.com"}
        return {"user": {"id": member, "profile": profile, "is_email_confirmed": True}}

    for module in (slack_api, slack_asked, slack_notes):
        monkeypatch.setattr(module, "call_slack", call)


def see(approval: Approval) -> str:
    return votes.mark_seen(approval, votes.read_standing(approval))


def decide_in_bulk(approval: Approval, name: str) -> None:
    pick = Pick(approval.pk, approval.pause_state_id)
    [choice] = bulk.read_choices([pick], user=person(name), verb=Verb.APPROVE)
    bulk.decide_all([choice.pick], user=person(name), verb=Verb.APPROVE)


def hold_a_vote(approval: Approval, name: str) -> None:
    holding.hold_answer(approval, user=person(name), seen=see(approval))


def press_in_slack(approval: Approval, name: str) -> None:
    action = {"action_id": "approve", "value": slack_asked.name_asked(approval)}
    slack_buttons.take_press({"user": {"id": name}, "actions": [action], "trigger_id": "1"})


WAYS: list[Way] = [decide_in_bulk, hold_a_vote, press_in_slack]

# Where each service that can end a pause, and is no step of another one, is tried under a policy
TRIED: dict[str, str] = {
    "bulk.decide_all": "test_services_ask_the_judge.py",
    "holding.apply_held_votes": "test_hold_votes.py",
    "holding.hold_answer": "test_services_ask_the_judge.py",
    "holding.hold_rejection": "test_hold_votes.py",
    "stepping._answer": "test_policy_steps.py",
    "stepping._reject": "test_policy_steps.py",
    "votes.agree": "test_secret_votes.py",
    "votes.answer_approval": "test_votes.py",
    "votes.override_policy": "test_votes.py",
    "votes.reject_approval": "test_votes.py",
    "slack_buttons._approve": "test_services_ask_the_judge.py",
    "slack_windows._take_answer": "test_slack_forms.py",
    "slack_windows._take_reason": "test_slack_forms.py",
}
# Steps of the services above, which nobody calls beside them
_STEPS = {"bulk._decide", "decisions.answer_approval", "decisions.reject_approval"} | {
    *("holding._apply", "holding._cast", "holding._hold", "holding._try", "votes._conclude_no")
}
_ENDS = {".resume_flow_run", ".reject_flow_run"}
_ROOMS = ("approvals.services.", "approvals.messages.", "approvals.answering.", "approvals.remote.")


def open_under(run: Run, operators: str, authors: str) -> Approval:
    hold(operators)
    if authors:
        run.put("paused-1-policy", json.dumps(authors))
    run.pause()
    return Approval.objects.get(flow_run_id=run.uuid)


@pytest.mark.parametrize("way", WAYS)
def test_a_run_goes_on_for_whom_the_policies_let_it(make_run: Make, way: Way) -> None:
    for operators, authors, free in POLICIES:
        went_on = set()
        for name in PEOPLE:
            approval = open_under(make_run(), operators, authors)
            way(approval, name)
            if not Approval.objects.get(pk=approval.pk).is_waiting:
                went_on.add(name)
        assert went_on == free, (operators, authors)


@pytest.mark.parametrize("way", WAYS)
def test_an_attempt_elsewhere_begins_for_whom_the_policy_lets_it(
    server: FakePrefect, way: Way
) -> None:
    for line, authors, free in POLICIES:
        if authors:
            continue
        hold(line)
        begun = set()
        for name in PEOPLE:
            approval = ask_there(server, asks=False)
            way(approval, name)
            if Attempt.objects.filter(approval=approval).exists():
                begun.add(name)
        assert begun == free, line


def test_no_reminder_decides(make_run: Make) -> None:
    for operators, authors, _ in POLICIES:
        approval = open_under(make_run(), f"{operators}; after 1 minute remind", authors)
        assert take_due_steps(lambda: datetime.now(UTC) + timedelta(minutes=58)) >= 1
        assert Approval.objects.get(pk=approval.pk).is_waiting, (operators, authors)
        assert not approval.votes.exists()


def test_each_service_that_can_end_a_pause_is_tried_by_a_test() -> None:
    tests = Path(__file__).parent
    found = find_callers(tests.parent.parent / "approvals", _ENDS)
    services = {name.split(".", 2)[2] for name in found if name.startswith(_ROOMS)}
    assert services - _STEPS == set(TRIED)
    assert all((tests / name).exists() for name in TRIED.values())
