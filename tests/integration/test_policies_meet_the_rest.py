"""Steps and held votes do on runs of other servers, and beside comments, what they do alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.models import Approval, Attempt, Step
from approvals.services import attempts, bulk, holding
from approvals.services.bulk import Pick, Verb
from approvals.services.comments import write_comment
from approvals.services.decisions import Sent
from approvals.services.holding import Held, apply_held_votes
from approvals.services.stepping import take_due_steps
from flowruns.domain.actors import policy
from tests.fake_prefect import FakePrefect
from tests.integration.conftest import Run
from tests.integration.elsewhere import ask_there, now, reviewer, send
from tests.integration.pages import ask
from tests.integration.telling import Mail, mail, reach
from tests.teams import hold, make_teams, person

__all__ = ["mail"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def server(server: FakePrefect, monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    monkeypatch.setattr(attempts, "PATIENCE", timedelta(0))
    return server


def pass_time(**span: float) -> int:
    return take_due_steps(lambda: datetime.now(UTC) + timedelta(**span))


def test_a_policy_rejects_a_run_elsewhere_that_nobody_has_answered(server: FakePrefect) -> None:
    hold('anyone; at the end reject because "nobody answered"')
    approval = ask_there(server, deadline=datetime.now(UTC) + timedelta(hours=1))
    end = Step.objects.get(approval=approval, kind=Step.Kind.REJECT)
    assert take_due_steps(lambda: end.at) >= 1
    assert Attempt.objects.get().name == str(policy("held"))
    send()
    assert now(approval).outcome == "rejected"
    assert server.runs[str(approval.flow_run_id)]["state_type"] == "CANCELLED"


def test_a_policy_answers_a_run_elsewhere(server: FakePrefect) -> None:
    hold('anyone; at the end answer {"approve": false}')
    reviewer("held")
    approval = ask_there(server, deadline=datetime.now(UTC) + timedelta(hours=1))
    end = Step.objects.get(approval=approval, kind=Step.Kind.ANSWER)
    assert end.problem == ""
    assert take_due_steps(lambda: end.at) >= 1
    send()
    assert now(approval).outcome == "answered"
    decision = now(approval).decision
    assert (decision.decided_by, decision.reviewer) == ("policy:held", None)


def test_a_decision_of_one_tap_on_a_run_elsewhere_can_be_undone(
    server: FakePrefect, settings: Any
) -> None:
    settings.UNDO_SECONDS = 10
    approval, alice = ask_there(server, asks=False), reviewer()
    assert isinstance(holding.hold_answer(approval, user=alice), Held)
    assert holding.undo([approval.pk], user=alice) == 1
    assert isinstance(holding.hold_answer(approval, user=alice), Held)
    approval.votes.update(takes_effect_at=datetime.now(UTC))
    assert apply_held_votes() == 1
    send()
    assert now(approval).outcome == "answered"


def test_several_of_which_one_runs_elsewhere_are_decided_at_once(
    server: FakePrefect, run: Run, settings: Any
) -> None:
    settings.UNDO_SECONDS = 0
    run.pause()
    picked = [ask_there(server, asks=False), Approval.objects.get(flow_run_id=run.uuid)]
    picks = [Pick(each.pk, each.pause_state_id) for each in picked]
    results = bulk.decide_all(picks, user=reviewer(), verb=Verb.APPROVE)
    assert [result.why for result in results] == ["", ""]
    send()
    assert [now(each).outcome for each in picked] == ["answered", "answered"]


def test_a_run_elsewhere_is_sent_for_once(server: FakePrefect) -> None:
    approval = ask_there(server, asks=False)
    assert holding._cast(_vote(approval)) == Sent()
    assert Attempt.objects.count() == 1


def _vote(approval: Approval) -> Any:
    return approval.votes.model(approval=approval, reviewer=reviewer(), kind="yes")


def test_nobody_is_reminded_until_the_requester_has_replied(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    hold("1 of @finance; after 10 minutes remind; after 20 minutes remind")
    approval = ask(run)
    mail.deliver()
    Approval.objects.filter(pk=approval.pk).update(asked_requester_at=datetime.now(UTC))
    assert pass_time(minutes=11) == 1
    assert mail.rows(kind="reminder") == []
    Approval.objects.filter(pk=approval.pk).update(asked_requester_at=None)
    assert pass_time(minutes=21) == 1
    assert len(mail.rows(kind="reminder")) == 1
    Approval.objects.filter(pk=approval.pk).update(asked_requester_at=datetime.now(UTC))
    mail.deliver(minutes=21)
    assert mail.outcomes(kind="reminder") == [("reminder", "skipped")]
    assert pass_time(minutes=58) == 1, "the last call"
    assert len(mail.rows(kind="last call")) == 1


def test_a_comment_reaches_people_where_the_desk_sends_no_mail(run: Run, settings: Any) -> None:
    settings.PUBLIC_URL = "https://desk.example.com"
    settings.SENDS_MAIL, settings.SLACK_BOT_TOKEN = False, "xoxb-1"
    make_teams()
    reach("F1")
    approval = ask(run)
    write_comment(approval, user=person("F2"), text="Look at this, @F1.")
    assert approval.notifications.filter(kind="mentioned", channel__kind="slack").count() == 1
