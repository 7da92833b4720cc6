"""Handing an approval to somebody else, and putting it off."""

from datetime import UTC, datetime, timedelta

import pytest

from approvals.models import Approval, HandOver, PutOff
from approvals.services.decisions import Decided, Refused
from approvals.services.handing import hand_over, put_off
from approvals.services.inbox import list_waiting
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.integration.telling import Mail, mail, reach
from tests.teams import hold, make_teams, person, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def test_who_is_asked_hands_it_to_another_with_a_note(mail: Mail, run: Run) -> None:
    reach("Z")
    hold("2 of @finance")
    approval = ask(run)
    page = f"{page_of(approval)}hand-over/"
    log_in("F1").post(page, {"to": "Z", "note": "You know this customer."})
    assert approval in list_waiting(person("Z"))
    told = text_of(log_in("F2").get(page_of(approval)))
    assert "F1 handed this to Z just now : You know this customer." in told
    assert [str(row.channel.user) for row in mail.rows(kind="waits")] == ["Z"]
    say_yes(approval, "F1")
    assert say_yes(approval, "Z") == Decided()


def test_only_who_may_answer_hands_over_and_only_to_who_may(run: Run) -> None:
    hold("1 of @finance + 1 of @data")
    approval = ask(run)
    assert isinstance(hand_over(approval, by=person("Z"), to="X1"), Refused)
    assert isinstance(hand_over(approval, by=person("F1"), to="F1"), Refused)
    assert isinstance(hand_over(approval, by=person("F1"), to="nobody"), Refused)
    assert isinstance(hand_over(approval, by=person("F1"), to="Z"), HandOver)
    say_yes(approval, "Z")
    assert approval not in list_waiting(person("F2")), "the seat of finance is taken"
    assert approval in list_waiting(person("D1"))


def test_nothing_is_handed_to_who_asked(run: Run) -> None:
    hold("1 of @finance, not the requester")
    approval = ask(run)
    approval.askers.create(user=person("Z"), name="Z")
    Approval.objects.update(askers_known=True)
    assert hand_over(approval, by=person("F1"), to="Z") == Refused("Z may not answer this.")
    approval.refresh_from_db()
    assert "added" not in approval.policies[0]


def test_what_anybody_may_answer_is_handed_over_by_a_note(run: Run) -> None:
    approval = ask(run)
    assert isinstance(hand_over(approval, by=person("F1"), to="Z", note="Please"), HandOver)
    assert approval in list_waiting(person("F1"))


def test_what_is_put_off_leaves_ones_own_list_until_tomorrow(run: Run) -> None:
    hold("1 of @finance")
    run.pause(seconds=7 * 86_400)
    approval = Approval.objects.get()
    log_in("F1").post(f"{page_of(approval)}put-off/")
    assert approval not in list_waiting(person("F1"))
    assert approval in list_waiting(person("F2"))
    until = PutOff.objects.get().until
    assert until - datetime.now(UTC) <= timedelta(days=1)
    PutOff.objects.update(until=datetime.now(UTC))
    assert approval in list_waiting(person("F1"))


def test_what_ends_soon_is_back_for_its_last_call(run: Run) -> None:
    approval = ask(run)
    moment = put_off(approval, user=person("F1"), until=datetime.now(UTC) + timedelta(days=1))
    assert moment == approval.steps.get().at
    approval.steps.update(taken_at=datetime.now(UTC))
    Approval.objects.update(expires_at=datetime.now(UTC))
    approval.refresh_from_db()
    assert isinstance(put_off(approval, user=person("F1"), until=datetime.now(UTC)), Refused)


def test_who_has_put_it_off_may_answer_all_the_same(run: Run) -> None:
    approval = ask(run)
    put_off(approval, user=person("F1"), until=datetime.now(UTC) + timedelta(days=1))
    assert say_yes(approval, "F1") == Decided()
    assert not PutOff.objects.exists()
