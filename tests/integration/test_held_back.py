"""What waits for a later moment holds up nothing that is due, of nobody."""

from datetime import UTC, datetime

import pytest

from approvals.messages import delivering, queueing
from approvals.messages.announcing import send_test
from approvals.messages.preferences import save_preferences
from approvals.messages.upcoming import find_mail
from approvals.models import Approval, Channel, Notification
from tests.integration.conftest import Make, Run
from tests.integration.telling import Mail, mail, reach
from tests.integration.test_deliver_messages import ask_many
from tests.teams import person, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
FRIDAY_EVENING = datetime(2030, 1, 4, 20, tzinfo=UTC)


def rest_on_weekends(name: str) -> None:
    reach(name)
    save_preferences(person(name), zone="UTC", hours="Mon-Fri 09:00-17:00", is_on=True)


def ask_for_years(run: Run) -> Approval:
    run.pause(seconds=300_000_000)
    return Approval.objects.get(flow_run_id=run.uuid)


def test_what_is_due_is_found_behind_all_that_waits_until_monday(
    mail: Mail, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queueing, "_MOST", 3)
    rest_on_weekends("alice")
    mail.clock.now = FRIDAY_EVENING
    ask_many(make_run, 5)
    for _ in range(3):
        assert mail.deliver() == 0
    send_test(person("alice"))
    assert mail.deliver() == 1
    assert mail.subjects == ["A test message"]


def test_a_team_at_rest_holds_up_no_mail_of_others(
    mail: Mail, run: Run, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them has an end that is due, behind a question that waits until Monday."""
    monkeypatch.setattr(delivering, "_CHANNELS", 2)
    for name in ("D1", "D2", "D3"):
        rest_on_weekends(name)
    mail.clock.now = FRIDAY_EVENING
    approval = ask_for_years(run)
    for _ in range(2):
        assert mail.deliver() == 0
    say_yes(approval, "bob")
    reach("alice")
    ask_many(make_run, 1)
    assert sum(mail.deliver() for _ in range(4)) == 1
    assert mail.server.arrived[0]["To"] == "alice@example.com"


def test_a_loop_sleeps_until_what_holds_the_others_back_is_due(mail: Mail, run: Run) -> None:
    rest_on_weekends("alice")
    mail.clock.now = FRIDAY_EVENING
    approval = ask_for_years(run)
    mail.deliver()
    say_yes(approval, "bob")
    question = Notification.objects.get(kind="waits")
    assert mail.deliver() == 0
    assert Notification.objects.get(kind="ended").next_try_at == question.next_try_at
    assert find_mail() == question.next_try_at
    assert Channel.objects.get(user__username="alice").told_at is None
