"""Who has voted hears of it where their vote counts no more and it waits for them again."""

from typing import Any

import pytest

from approvals.models import Approval
from approvals.services import votes
from approvals.services.holding import hold_answer
from tests.integration.conftest import Run
from tests.integration.pages import ask
from tests.integration.telling import Mail, mail, reach
from tests.integration.test_hold_votes import let_time_pass
from tests.integration.test_slack_buttons import Desk, desk
from tests.mail import text_of_mail
from tests.teams import hold, make_teams, person, say_yes

__all__ = ["desk", "mail"]
pytestmark = pytest.mark.django_db
NO = {"approve": False}


@pytest.fixture
def finance(mail: Mail, run: Run) -> Approval:
    """An approval of which F1 was told."""
    make_teams()
    reach("F1")
    hold("2 of @finance")
    found = ask(run)
    mail.deliver()
    return found


def change_question(run: Run) -> None:
    run.api.request("PATCH", f"/flow_runs/{run.id}", {"parameters": {"amount": 9000}})


def test_whose_answer_another_has_changed_is_told_who_it_was(mail: Mail, finance: Approval) -> None:
    say_yes(finance, "F1")
    say_yes(finance, "F2", NO)
    assert mail.deliver(minutes=6) == 1
    asked, again = mail.server.arrived
    assert again["Subject"] == f"refund / {finance.flow_run_name} waits for you again"
    assert again["In-Reply-To"] == asked["Message-ID"]
    told = "Your answer does not count any more. F2 has changed the answer."
    assert told in text_of_mail(again)


def test_each_time_it_falls_is_told_once(mail: Mail, finance: Approval) -> None:
    for answer in (NO, {"approve": True}, NO):
        say_yes(finance, "F1", {"approve": not answer["approve"]})
        say_yes(finance, "F2", answer)
        votes.take_back(finance, user=person("F2"))
        mail.deliver(minutes=6)
    assert mail.outcomes() == [("waits", "sent")] * 4


def test_what_somebody_takes_back_is_no_news_to_them(mail: Mail, finance: Approval) -> None:
    say_yes(finance, "F1")
    votes.take_back(finance, user=person("F1"))
    assert mail.deliver(minutes=6) == 0


def test_who_has_voted_again_before_it_goes_out_is_not_told(
    mail: Mail, finance: Approval, run: Run
) -> None:
    say_yes(finance, "F1")
    change_question(run)
    say_yes(finance, "F2")
    say_yes(finance, "F1")
    mail.deliver(minutes=6)
    assert [told["Subject"] for told in mail.server.arrived if "again" in told["Subject"]] == []


def test_who_was_not_told_at_first_hears_of_it_once(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    say_yes(approval, "F2", NO)
    mail.deliver()
    assert mail.subjects == [f"refund / {approval.flow_run_name} waits for you"]


def test_a_press_that_did_not_count_after_all_is_told(mail: Mail, run: Run, settings: Any) -> None:
    settings.UNDO_SECONDS = 10
    make_teams()
    reach("F1")
    hold("2 of @finance")
    run.pause()
    approval = Approval.objects.get()
    mail.deliver()
    seen = votes.mark_seen(approval, votes.read_standing(approval))
    hold_answer(approval, user=person("F1"), seen=seen)
    change_question(run)
    assert let_time_pass() == 0
    mail.deliver(minutes=6)
    assert "What is asked has changed since." in text_of_mail(mail.server.arrived[-1])


def test_the_operator_says_whether_messages_tell_why(
    mail: Mail, finance: Approval, settings: Any
) -> None:
    settings.MESSAGE_CONTENT = "nothing"
    say_yes(finance, "F1")
    say_yes(finance, "F2", NO)
    mail.deliver(minutes=6)
    assert "F2" not in text_of_mail(mail.server.arrived[-1])


def test_slack_asks_by_a_second_message_and_both_tell_the_end(desk: Desk, run: Run) -> None:
    person("alice")
    hold("2 of bob or alice")
    run.pause(seconds=300_000_000)
    approval = Approval.objects.get()
    desk.deliver()
    say_yes(approval, "bob", {})
    change_question(run)
    say_yes(approval, "alice", {})
    approve, _ = desk.deliver(minutes=6)
    assert len(desk.slack.posts) == 2
    desk.press(approve)
    desk.deliver(minutes=12)
    assert {edit["ts"] for edit in desk.slack.edits} == {"17.2", "17.3"}
