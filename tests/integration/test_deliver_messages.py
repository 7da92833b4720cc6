"""Delivery: at least once, in order, later where it fails, and never by two at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.messages import delivering
from approvals.messages.delivering import claim_channel, deliver_due, deliver_mail
from approvals.messages.email import send_mail
from approvals.messages.preferences import mute, save_preferences
from approvals.messages.queueing import LEASE
from approvals.messages.verdicts import Dead, Later, SendVerdict, Sent
from approvals.models import Channel, Notification
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask
from tests.integration.telling import Mail, mail, reach
from tests.mail import HANG, RESET, text_of_mail
from tests.teams import person, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
MONDAY = datetime(2030, 1, 7, 10, tzinfo=UTC)  # within anybody's working hours


class Killed(BaseException):
    """The process ends here, as by SIGKILL: nothing after it runs."""


def ask_many(make_run: Make, count: int, *, seconds: float = 300_000_000) -> None:
    for _ in range(count):
        make_run().pause(seconds=seconds)


def answer_with(verdict: SendVerdict) -> delivering.Send:
    return lambda _channel, _rows: verdict


@pytest.fixture
def row(mail: Mail, run: Run) -> Notification:
    """Something that is to be told to alice."""
    reach("alice")
    ask(run)
    return Notification.objects.get()


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_process_that_is_killed_while_sending_loses_nothing(
    mail: Mail, row: Notification, dies: str
) -> None:
    def send_and_die(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
        if dies == "after":
            send_mail(channel, rows)
        raise Killed

    with pytest.raises(Killed):
        mail.deliver(send_and_die)
    assert mail.deliver(seconds=1) == 0
    assert mail.deliver(seconds=LEASE.total_seconds()) == 1
    assert mail.deliver(seconds=LEASE.total_seconds()) == 0
    names = {told["Message-ID"] for told in mail.server.arrived}
    assert len(mail.server.arrived) == (2 if dies == "after" else 1)
    assert len(names) == 1


def test_deaths_of_processes_are_no_failed_tries(mail: Mail, row: Notification) -> None:
    def die(_channel: Channel, _rows: Sequence[Notification]) -> SendVerdict:
        raise Killed

    for _ in range(8):
        with pytest.raises(Killed):
            mail.deliver(die, seconds=LEASE.total_seconds())
    assert mail.deliver(seconds=LEASE.total_seconds()) == 1


def test_of_two_workers_that_meet_one_sends(mail: Mail, row: Notification) -> None:
    """The second one looks while the first one is sending."""
    seen: list[int] = []

    def send_while_another_looks(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
        seen.append(deliver_due(Channel.Kind.EMAIL, send=send_mail, clock=mail.clock))
        return send_mail(channel, rows)

    assert mail.deliver(send_while_another_looks) == 1
    assert seen == [0]
    assert len(mail.server.arrived) == 1


def test_of_two_workers_that_have_seen_the_same_channel_one_claims_it(
    mail: Mail, row: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read that it is due before either claims it."""
    claims: list[datetime | None] = []

    def claim_second(channel_id: int, **options: Any) -> datetime | None:
        claims.append(claim_channel(channel_id, **options))
        claims.append(claim_channel(channel_id, **options))
        return claims[1]

    monkeypatch.setattr(delivering, "claim_channel", claim_second)
    assert mail.deliver() == 0
    assert claims == [mail.clock.now + LEASE, None]


def test_a_worker_that_was_too_slow_changes_nothing_that_another_has_ended(
    mail: Mail, row: Notification
) -> None:
    def send_too_slowly(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
        assert mail.deliver(seconds=LEASE.total_seconds()) == 1
        return Later(why="too slow")

    mail.deliver(send_too_slowly)
    assert mail.outcomes() == [("waits", "sent")]
    assert mail.deliver(hours=10) == 0


def test_a_burst_arrives_as_one_message(mail: Mail, make_run: Make) -> None:
    reach("alice")
    ask_many(make_run, 3)
    assert mail.deliver() == 1
    (told,) = mail.server.arrived
    assert told["Subject"] == "3 approvals wait for you"
    assert text_of_mail(told).count("/approvals/") == 3
    assert {row.receipt for row in mail.rows()} == {told["Message-ID"]}


def test_what_follows_a_message_is_gathered(mail: Mail, make_run: Make) -> None:
    reach("alice")
    ask_many(make_run, 1)
    mail.deliver()
    ask_many(make_run, 1)
    assert mail.deliver(minutes=1) == 0
    ask_many(make_run, 1)
    assert mail.deliver(minutes=2) == 0
    assert mail.deliver(minutes=3) == 1
    assert mail.subjects[1] == "2 approvals wait for you"


def test_what_ends_soon_is_not_gathered(mail: Mail, make_run: Make) -> None:
    reach("alice")
    ask_many(make_run, 1)
    mail.deliver()
    ask_many(make_run, 1, seconds=600)
    assert mail.deliver(seconds=30) == 1


def test_nobody_is_told_outside_of_working_hours(
    mail: Mail, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach("alice")
    save_preferences(person("alice"), zone="Europe/Berlin", hours="Mon-Fri 09:00-17:00", is_on=True)
    ask_many(make_run, 1)
    mail.clock.now = MONDAY - timedelta(days=3) + timedelta(hours=12)  # Friday evening
    assert mail.deliver() == 0
    assert mail.rows()[0].next_try_at == MONDAY.replace(hour=8)
    assert mail.deliver(hours=48) == 0
    mail.clock.now = MONDAY.replace(hour=8)
    assert mail.deliver() == 1


def test_a_deadline_that_comes_first_breaks_the_rest(mail: Mail, make_run: Make) -> None:
    reach("alice")
    today = mail.clock.now
    hours = f"{(today + timedelta(days=2)):%a} 09:00-17:00"
    save_preferences(person("alice"), zone="UTC", hours=hours, is_on=True)
    ask_many(make_run, 1, seconds=7200)
    assert mail.deliver() == 1


def test_working_hours_of_the_server_hold_for_who_has_not_said(
    mail: Mail, make_run: Make, settings: Any
) -> None:
    settings.WORKING_HOURS = "Mon-Fri 09:00-17:00 Europe/Berlin"
    reach("alice")
    ask_many(make_run, 1)
    mail.clock.now = MONDAY - timedelta(days=2)
    assert mail.deliver() == 0
    mail.clock.now = MONDAY
    assert mail.deliver() == 1


def test_muting_holds_back_until_it_ends(mail: Mail, make_run: Make) -> None:
    reach("alice")
    mute(person("alice"), timedelta(hours=24))
    ask_many(make_run, 2)
    assert mail.deliver() == 0
    assert mail.deliver(hours=23) == 0
    assert mail.deliver(hours=2) == 1
    assert mail.subjects == ["2 approvals wait for you"]


def test_unmuting_sends_at_once(mail: Mail, row: Notification) -> None:
    mute(person("alice"), timedelta(hours=24))
    assert mail.deliver() == 0
    mute(person("alice"), timedelta())
    assert mail.deliver(seconds=1) == 1


def test_whoever_has_turned_mail_off_is_not_told(mail: Mail, row: Notification) -> None:
    save_preferences(person("alice"), zone="UTC", hours="", is_on=False)
    assert mail.deliver() == 0
    assert mail.rows()[0].why == "They have turned e-mail off."


def test_a_failing_message_is_tried_six_times_ever_later_and_is_dead(
    mail: Mail, row: Notification
) -> None:
    reach("root", is_staff=True)
    pauses = []
    for tries in range(1, 7):
        mail.deliver(answer_with(Later(why="451 busy")), days=1)
        row.refresh_from_db()
        assert row.tries == tries
        pauses.append((row.next_try_at - mail.clock.now).total_seconds())
    steps = zip((5, 60, 300, 1800, 7200), pauses[:5], strict=True)
    assert [(step, pause) for step, pause in steps if not step <= pause <= step * 1.2] == []
    assert (row.outcome, row.why) == ("dead", "451 busy")
    assert mail.outcomes(kind="undelivered") == [("undelivered", "waiting")]


def test_the_staff_is_told_of_a_dead_message(mail: Mail, row: Notification) -> None:
    reach("root", is_staff=True)
    mail.server.recipients["alice@example.com"] = "550 no such mailbox"
    mail.deliver()
    mail.deliver(minutes=6)
    row.refresh_from_db()
    assert (row.outcome, row.why) == ("dead", "550 no such mailbox")
    told = mail.server.arrived[-1]
    assert told["To"] == "root@example.com"
    assert told["Subject"].startswith("A message was not delivered: refund")


def test_a_pause_that_the_other_side_asks_for_is_kept(mail: Mail, row: Notification) -> None:
    mail.deliver(answer_with(Later(why="429", seconds=900)))
    assert mail.deliver(seconds=899) == 0
    assert mail.deliver(seconds=2) == 1


@pytest.mark.parametrize(
    ("answer", "outcome", "arrives"),
    [
        ("451 try later", "sent", 1),
        ("550 not wanted", "dead", 0),
        (RESET, "sent", 2),
    ],
)
def test_what_a_mail_server_answers_counts(
    mail: Mail, row: Notification, answer: str, outcome: str, arrives: int
) -> None:
    """A line that drops after the body may mean that it arrived, so the same mail comes again."""
    mail.server.answers = [answer]
    mail.deliver()
    mail.deliver(seconds=10)
    assert mail.outcomes() == [("waits", outcome)]
    assert len(mail.server.arrived) == arrives
    assert len({told["Message-ID"] for told in mail.server.arrived}) == min(arrives, 1)


def test_a_server_that_hangs_is_left_after_a_time(
    mail: Mail, row: Notification, settings: Any
) -> None:
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = 0.2
    mail.server.answers = [HANG]
    assert mail.deliver() == 0
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = 10
    assert mail.rows()[0].why
    assert mail.deliver(seconds=10) == 1


def test_a_server_that_is_away_ends_the_round(mail: Mail, make_run: Make, settings: Any) -> None:
    for name in ("alice", "bob"):
        reach(name)
    ask_many(make_run, 1)
    settings.MAILERS["default"]["OPTIONS"]["port"] = 1
    mail.deliver()
    assert sorted(row.tries for row in mail.rows()) == [0, 1]


def test_a_fault_of_one_message_holds_up_no_other(mail: Mail, make_run: Make) -> None:
    for name in ("alice", "bob"):
        reach(name)
    ask_many(make_run, 1)

    def fail_for_alice(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
        if str(channel) == "email of alice":
            raise RuntimeError("broken")
        return Sent("receipt")

    assert mail.deliver(fail_for_alice) == 1
    assert {(str(row.channel), row.why) for row in mail.rows()} == {
        ("email of alice", "RuntimeError('broken')"),
        ("email of bob", ""),
    }


def test_an_address_that_no_mail_may_have_is_dead(mail: Mail, row: Notification) -> None:
    reach("alice", email="alice@example.com\nBcc: x@example.com")
    mail.deliver()
    assert mail.rows()[0].outcome == "dead"


def test_nothing_overtakes_what_is_tried_again_of_the_same_approval(
    mail: Mail, run: Run, make_run: Make
) -> None:
    for name in ("alice", "bob"):
        reach(name)
    approval = ask(run)
    mail.deliver(answer_with(Later(why="451")))
    say_yes(approval, "bob")
    ask_many(make_run, 1)
    Notification.objects.filter(kind="waits", approval=approval).update(
        next_try_at=mail.clock.now + timedelta(hours=1)
    )
    told: list[list[str]] = []

    def note(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
        told.append([row.kind for row in rows])
        return Sent("receipt")

    mail.deliver(note)
    assert told == [["waits"], ["waits"]]
    mail.deliver(note, hours=2)
    assert {row.outcome for row in mail.rows(approval=approval)} == {"skipped"}


def test_a_dead_message_is_sent_again(mail: Mail, row: Notification) -> None:
    mail.deliver(answer_with(Dead("550")))
    row.refresh_from_db()
    assert delivering.send_again(Notification.objects.all()) == 1
    assert delivering.send_again(Notification.objects.all()) == 0
    assert mail.deliver(seconds=1) == 1


def test_the_loop_does_nothing_without_settings(db: None) -> None:
    assert deliver_mail() == 0


def test_old_messages_are_dropped_and_waiting_ones_are_kept(
    mail: Mail, row: Notification, make_run: Make
) -> None:
    mail.deliver()
    ask_many(make_run, 1)
    old = datetime.now(UTC) - timedelta(days=91)
    Notification.objects.filter(pk=row.pk).update(ended_at=old)
    assert delivering.drop_old_messages() == 1
    assert mail.outcomes() == [("waits", "waiting")]


def test_a_mail_says_how_to_get_no_more(mail: Mail, row: Notification) -> None:
    mail.deliver()
    (told,) = mail.server.arrived
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = told["List-Unsubscribe"].strip("<>")
    assert address.startswith("https://desk.example.com/mute/")
    assert address in text_of_mail(told)


def test_links_and_references_stay_whole_however_long_the_host_is(
    mail: Mail, run: Run, settings: Any
) -> None:
    """Python would fold them into encoded words, which no mail program reads there."""
    settings.PUBLIC_URL = f"https://{'a' * 60}.{'b' * 60}.example.com"
    for name in ("alice", "bob"):
        reach(name)
    approval = ask(run)
    mail.deliver()
    say_yes(approval, "bob")
    mail.deliver(minutes=6)
    first = next(told for told in mail.server.arrived if told["To"] == "alice@example.com")
    last = mail.server.arrived[-1]
    lines = last.as_bytes().decode().splitlines()
    assert f"References: {first['Message-ID']}" in lines
    assert f"In-Reply-To: {first['Message-ID']}" in lines
    assert [line for line in lines if line.startswith(f"List-Unsubscribe: <{settings.PUBLIC_URL}")]
