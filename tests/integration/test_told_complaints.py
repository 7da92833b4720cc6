"""What people complain of in the reminders and messages of others, tried on ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.models import Approval, Channel, Notification
from approvals.services.stepping import take_due_steps
from tests.integration.conftest import Run
from tests.integration.pages import ask
from tests.integration.telling import Mail, mail, reach
from tests.integration.test_hold_votes import let_time_pass
from tests.integration.test_slack_buttons import Desk, approval, desk
from tests.teams import hold, make_teams, say_yes

__all__ = ["approval", "desk", "mail"]
pytestmark = pytest.mark.django_db


def pass_time(**span: float) -> int:
    return take_due_steps(lambda: datetime.now(UTC) + timedelta(**span))


@pytest.fixture
def finance(mail: Mail, run: Run) -> Approval:
    make_teams()
    for name in ("F1", "F2"):
        reach(name)
    hold("2 of @finance; every 10 minutes remind")
    found = ask(run)
    mail.deliver()
    return found


def test_who_has_approved_is_reminded_no_more(mail: Mail, finance: Approval) -> None:
    say_yes(finance, "F1")
    pass_time(minutes=11)
    mail.deliver(minutes=11)
    assert mail.rows(kind="reminder", outcome="sent", channel__user__username="F1") == []
    assert len(mail.rows(kind="reminder", outcome="sent", channel__user__username="F2")) == 1


def test_a_reminder_tells_nobody_that_it_was_answered(mail: Mail, finance: Approval) -> None:
    pass_time(minutes=11)
    mail.deliver(minutes=11)
    assert {row.kind for row in mail.rows()} == {"waits", "reminder"}


def test_an_approval_of_the_first_sends_no_second_request(mail: Mail, finance: Approval) -> None:
    say_yes(finance, "F1")
    mail.deliver(minutes=2)
    assert len(mail.rows(kind="waits")) == 2


def test_people_of_the_second_part_are_told_when_their_turn_comes(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    reach("D")
    hold("1 of @finance then 1 of D")
    found = ask(run)
    mail.deliver()
    assert Notification.objects.get(kind="waits").channel == Channel.objects.get(
        user__username="F1"
    )
    say_yes(found, "F1")
    mail.deliver(minutes=2)
    assert len(mail.rows(kind="waits", outcome="sent")) == 2


def test_who_presses_again_since_nothing_seemed_to_happen_decides_once(
    desk: Desk, approval: Approval, settings: Any
) -> None:
    settings.UNDO_SECONDS = 10
    approve, _ = desk.deliver()
    desk.press(approve)
    desk.press(approve)
    assert approval.votes.count() == 1
    assert let_time_pass() == 1
    approval.refresh_from_db()
    assert approval.decision.decided_by == "bob"


def test_no_message_goes_out_for_what_was_pressed_and_undone(
    desk: Desk, approval: Approval, settings: Any
) -> None:
    settings.UNDO_SECONDS = 10
    approve, _ = desk.deliver()
    desk.press(approve)
    desk.press({"action_id": "undo", "value": str(approval.pk)})
    let_time_pass()
    assert not Notification.objects.filter(kind=Notification.Kind.ENDED).exists()
