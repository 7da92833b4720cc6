"""The pages about messages: one's own, the link that ends mail, and the deliveries."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.messages.announcing import send_test
from approvals.messages.delivering import deliver_due
from approvals.messages.muting import write_mute_address
from approvals.messages.recipients import get_channel
from approvals.messages.verdicts import Dead, SendVerdict
from approvals.models import Channel, Notification, Profile
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.telling import HOST, Mail, mail, reach
from tests.mail import text_of_mail
from tests.teams import hold, make_teams, person

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
CHOSEN = {
    "zone": "Europe/Berlin",
    "is_quiet": "on",
    "days": ["Mon", "Fri"],
    "begin": "08:30",
    "end": "16:00",
    "is_on": "on",
}


def bury(_channel: Channel, _rows: Any) -> SendVerdict:
    return Dead("550 no such mailbox")


def test_the_page_says_that_nothing_is_sent_without_settings() -> None:
    alice = log_in()
    assert "This server sends no mail" in text_of(alice.get("/me/"))
    alice.post("/me/test/")
    assert not Notification.objects.exists()


def test_a_switch_that_has_no_effect_is_not_shown_and_keeps_what_was_chosen() -> None:
    alice = log_in()
    for is_on in (True, False):
        channel = get_channel(User.objects.get(username="alice"))
        Channel.objects.filter(pk=channel.pk).update(is_on=is_on)
        page = alice.get("/me/").content.decode()
        assert "Send me e-mail" not in page
        assert f'<input type="hidden" name="is_on" value="{is_on}"' in page
        alice.post("/me/", {**CHOSEN, "is_on": str(is_on)})
        assert Channel.objects.get().is_on == is_on


def test_the_page_says_that_an_account_has_no_address(mail: Mail) -> None:
    assert "no e-mail address" in text_of(log_in().get("/me/"))


def test_looking_changes_nothing(mail: Mail) -> None:
    reach("alice")
    alice = log_in()
    for path in ("/me/", "/deliveries/"):
        alice.get(path)
        alice.head(path)
    assert not Channel.objects.exists()
    assert not Profile.objects.exists()


def test_working_hours_are_kept(mail: Mail) -> None:
    reach("alice")
    alice = log_in()
    alice.cookies["timezone"] = "Asia/Tokyo"
    page = alice.get("/me/")
    assert '<option value="Asia/Tokyo" selected>' in page.content.decode()
    assert alice.post("/me/", CHOSEN).status_code == 302
    profile = Profile.objects.get()
    assert (profile.zone, profile.hours) == ("Europe/Berlin", "Mon,Fri 08:30-16:00")
    shown = alice.get("/me/").content.decode()
    assert '<option value="Europe/Berlin" selected>' in shown
    assert 'value="08:30"' in shown
    alice.post("/me/", {**CHOSEN, "is_quiet": ""})
    assert Profile.objects.get().hours == ""


@pytest.mark.parametrize(
    "wrong",
    [{"zone": "Mars/Base"}, {"days": []}, {"end": "25:00"}],
)
def test_what_cannot_be_kept_is_told_and_stays_typed(mail: Mail, wrong: dict[str, Any]) -> None:
    page = log_in().post("/me/", {**CHOSEN, **wrong})
    assert page.status_code == 422
    assert 'class="problem"' in page.content.decode()
    assert not Profile.objects.exists()


def test_mail_is_turned_off_and_muted(mail: Mail) -> None:
    reach("alice")
    alice = log_in()
    alice.post("/me/", {**CHOSEN, "is_on": ""})
    assert not Channel.objects.get().is_on
    alice.post("/me/mute/", {"hours": "24"})
    assert "Muted until" in text_of(alice.get("/me/"))
    alice.post("/me/mute/", {"hours": "0"})
    assert Channel.objects.get().muted_until is None
    alice.post("/me/mute/", {"hours": "-1x"})
    assert Channel.objects.get().muted_until is None


def test_a_test_goes_to_oneself_even_at_night_and_says_what_became_of_it(mail: Mail) -> None:
    reach("alice")
    alice = log_in()
    alice.post("/me/", {**CHOSEN, "days": "Sun", "begin": "00:00", "end": "00:01"})
    alice.post("/me/mute/", {"hours": "24"})
    alice.post("/me/test/")
    assert "is on its way" in text_of(alice.get("/me/"))
    assert mail.deliver(seconds=1) == 1
    assert mail.subjects == ["A test message"]
    assert "sent" in text_of(alice.get("/me/"))
    alice.post("/me/test/")
    mail.server.recipients["alice@example.com"] = "550 unknown"
    mail.deliver()
    assert "550 unknown" in text_of(alice.get("/me/"))


def mute_path(name: str) -> str:
    channel = Channel.objects.get_or_create(user=person(name))[0]
    address = write_mute_address(channel)
    assert address.startswith(HOST)
    return address.removeprefix(HOST)


def test_one_click_ends_mail_without_a_session_or_a_token_of_a_form(mail: Mail) -> None:
    """As RFC 8058 has mail programs post it."""
    path = mute_path("alice")
    program = Client(enforce_csrf_checks=True)
    answer = program.post(path, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not Channel.objects.get().is_on
    assert answer.wsgi_request.user.is_anonymous
    assert "sessionid" not in answer.cookies


def test_scanners_that_fetch_the_link_change_nothing(mail: Mail) -> None:
    path = mute_path("alice")
    scanner = Client()
    assert scanner.get(path).status_code == 200
    assert scanner.head(path).status_code == 200
    assert "Send me no more mail" in text_of(scanner.get(path))
    assert Channel.objects.get().is_on


def test_a_forged_link_is_not_there(mail: Mail) -> None:
    path = mute_path("alice")
    other = Channel.objects.create(user=person("bob"))
    number, _, signature = path.removeprefix("/mute/").partition(":")
    assert number != str(other.pk)
    for token in (f"{other.pk}:{signature}", f"{number}:x", "x", number):
        assert Client().post(f"/mute/{token.rstrip('/')}/").status_code == 404
    assert Channel.objects.filter(is_on=False).count() == 0


def test_the_link_of_a_mail_is_whole_in_its_header(mail: Mail, run: Run) -> None:
    reach("alice")
    ask(run)
    mail.deliver()
    (told,) = mail.server.arrived
    path = told["List-Unsubscribe"].strip("<>").removeprefix(HOST)
    assert Client().post(path).status_code == 200
    assert not Channel.objects.get().is_on


def test_deliveries_are_for_the_staff() -> None:
    assert log_in().get("/deliveries/").status_code == 404
    reach("root", is_staff=True)
    assert "Nothing is sent" in text_of(log_in("root").get("/deliveries/"))


def test_deliveries_show_what_was_sent_waits_and_is_dead_and_why(
    mail: Mail, make_run: Make
) -> None:
    reach("root", is_staff=True)
    reach("alice")
    reach("bob", is_active=False)
    ask(make_run())
    deliver_due(Channel.Kind.EMAIL, send=bury, clock=lambda: mail.clock.now + timedelta(hours=1))
    root = log_in("root")
    page = text_of(root.get("/deliveries/?outcome=dead"))
    assert "550 no such mailbox" in page
    assert "alice@example.com" in page
    dead = Notification.objects.filter(outcome="dead", kind="waits").first()
    assert dead is not None
    assert log_in().post("/deliveries/again/").status_code == 404
    root.post("/deliveries/again/", {"row": str(dead.pk)})
    dead.refresh_from_db()
    assert (dead.outcome, dead.tries) == ("waiting", 0)
    Notification.objects.filter(pk=dead.pk).update(outcome="dead")
    root.post("/deliveries/again/", {"row": "x"})
    # And that one of them was not delivered, where root is told after alice
    assert Notification.objects.filter(outcome="dead", kind="waits").count() == 2
    root.post("/deliveries/again/")
    assert not Notification.objects.filter(outcome="dead").exists()


def test_deliveries_of_hidden_approvals_are_not_shown(mail: Mail, run: Run) -> None:
    make_teams()
    for name in ("root", "H1"):
        reach(name, is_staff=name == "root")
    hold("1 of @hr, seen by them only")
    ask(run)
    root = log_in("root")
    assert "h1@example.com" not in text_of(root.get("/deliveries/"))
    Notification.objects.update(outcome="dead")
    root.post("/deliveries/again/")
    assert Notification.objects.get().outcome == "dead"
    reach("boss", is_staff=True, is_superuser=True)
    assert "h1@example.com" in text_of(log_in("boss").get("/deliveries/"))


def test_staff_see_of_what_nobody_was_told(mail: Mail, run: Run) -> None:
    reach("root", is_staff=True)
    make_teams()
    hold("1 of @finance")
    ask(run)
    assert "Nobody was told of 1 approval that waits" in text_of(log_in("root").get("/deliveries/"))


def test_more_than_a_page_of_deliveries_is_turned(mail: Mail) -> None:
    reach("root", is_staff=True)
    root = log_in("root")
    for _ in range(51):
        send_test(person("root"))
    first = root.get("/deliveries/").content.decode()
    assert first.count('<li class="row') == 50
    older = first.split('href="?outcome=&amp;before=')[1].split('"')[0]
    second = root.get(f"/deliveries/?before={older}").content.decode()
    assert second.count('<li class="row') == 1
    assert root.get("/deliveries/?before=x&outcome=x").status_code == 200


def test_a_message_leads_to_a_page_behind_the_log_in(mail: Mail, run: Run) -> None:
    reach("alice")
    ask(run)
    mail.deliver()
    page = next(
        line.removeprefix(HOST)
        for line in text_of_mail(mail.server.arrived[0]).splitlines()
        if "/approvals/" in line
    )
    answer = Client().get(page)
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]
