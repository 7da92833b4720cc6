"""Whose working hours count: a group's before a person's before the server's, without days off."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group

from approvals.messages.timing import find_moment
from approvals.models import Approval, Channel, DayOff, GroupHours, Notification, Profile, Step
from approvals.policies.hours import next_opening
from approvals.services import plans
from approvals.services.calendars import find_hours
from approvals.services.handing import put_off
from approvals.services.plans import add_steps, find_last_call, move_steps
from approvals.services.policies import Found
from approvals.services.seats import add_people
from approvals.services.stepping import take_due_steps
from flowruns.domain.policies import parse_policy
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in
from tests.integration.telling import Mail, mail, reach
from tests.mail import text_of_mail
from tests.teams import hold, make_teams, person

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
FRIDAY = datetime(2030, 12, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def hours(settings: Any) -> None:
    make_teams()
    settings.WORKING_HOURS = "Mon-Fri 09:00-17:00 UTC"
    GroupHours.objects.create(group=group("finance"), line="Mon-Fri 08:00-12:00 Asia/Tokyo")
    Profile.objects.create(user=person("F1"), zone="Europe/Berlin", hours="Sat 10:00-14:00")


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def opening(line: str) -> datetime:
    found = find_hours(parse_policy(line))
    assert found is not None
    return next_opening(found, FRIDAY)


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("1 of @finance", "2030-12-22T23:00"),
        ("1 of F1", "2030-12-21T09:00"),
        ("1 of F1 or @finance", "2030-12-22T23:00"),
        ("1 of @data or @finance", "2030-12-22T23:00"),
        ("1 of @data then 1 of @finance", "2030-12-20T12:00"),
        ("1 of F2", "2030-12-20T12:00"),
        ("anyone", "2030-12-20T12:00"),
    ],
)
def test_the_hours_of_those_who_are_asked_count(line: str, moment: str) -> None:
    assert opening(line) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_hours_in_a_zone_that_is_gone_are_counted_in_utc_and_no_run_fails_of_it(
    mail: Mail, run: Run
) -> None:
    """US/Pacific-New was a zone once, and nobody is asked before its name leaves the tables."""
    gone = "US/Pacific-New"
    GroupHours.objects.create(group=group("qa"), line=f"Sat 09:00-17:00 {gone}")
    assert opening("1 of @qa") == datetime(2030, 12, 21, 9, tzinfo=UTC)
    reach("F1")
    Profile.objects.update_or_create(
        user=person("F1"), defaults={"zone": gone, "hours": "Mon-Sun 00:00-00:00"}
    )
    hold("1 of F1; after 1 working hour remind")
    ask(run)
    assert mail.deliver() == 1
    assert "(UTC)" in text_of_mail(mail.server.arrived[0])
    page = log_in("F1").get("/me/")
    assert '<option value="UTC" selected>' in page.content.decode()


def test_days_off_are_of_a_group_or_of_everybody() -> None:
    DayOff.objects.create(day=date(2030, 12, 20), group=group("data"))
    DayOff.objects.create(day=date(2030, 12, 23))
    assert opening("1 of @data") == datetime(2030, 12, 24, 9, tzinfo=UTC)
    assert opening("1 of @hr") == FRIDAY


def test_a_step_is_counted_past_a_long_holiday(run: Run) -> None:
    for day in range(21, 32):
        DayOff.objects.create(day=date(2030, 12, day))
    approval = ask(run)
    approval.opened_at = datetime(2030, 12, 20, 15, tzinfo=UTC)
    approval.expires_at = datetime(2031, 1, 20, tzinfo=UTC)
    found = Found(line="1 of @data; after 4 working hours remind", origin="held")
    add_steps(approval, [found])
    step = Step.objects.get(kind="remind")
    assert step.at == datetime(2031, 1, 1, 11, tzinfo=UTC)


def test_the_last_call_comes_before_a_holiday_however_long(run: Run) -> None:
    for day in range(10, 31):
        DayOff.objects.create(day=date(2030, 12, day))
    hold("1 of @data")
    approval = ask(run)
    approval.opened_at = datetime(2030, 12, 2, 9, tzinfo=UTC)
    approval.expires_at = datetime(2030, 12, 28, tzinfo=UTC)
    assert find_last_call(approval) == datetime(2030, 12, 9, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("1 of @data + 1 of @finance", "2030-12-27T03:00"),  # Tokyo closes at noon
        ("1 of @finance then 1 of @data", "2030-12-27T03:00"),
        ("1 of @data or F1", "2030-12-21T13:00"),  # who works on Saturdays alone
        ("1 of @data", "2030-12-27T17:00"),
        ("anyone", "2030-12-27T17:00"),
    ],
)
def test_the_last_call_is_in_time_for_everybody_who_is_asked(
    run: Run, line: str, moment: str
) -> None:
    hold(line)
    approval = ask(run)
    approval.opened_at = datetime(2030, 12, 20, tzinfo=UTC)
    approval.expires_at = datetime(2030, 12, 28, 20, tzinfo=UTC)
    move_steps(approval)
    last_call = Step.objects.get(kind="last call")
    assert last_call.at == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "moment"),
    [
        ("@hr", "2030-12-25T12:00"),
        ("F1", "2030-12-26T17:00"),  # whose Saturday was over when they were asked
        ("@board", "2030-12-26T17:00"),
    ],
)
def test_the_last_call_is_in_time_for_those_whom_a_step_has_asked(
    run: Run, monkeypatch: pytest.MonkeyPatch, asked: str, moment: str
) -> None:
    GroupHours.objects.create(group=group("hr"), line="Mon-Wed 09:00-12:00 UTC")
    hold(f"1 of @data; after 1 minute ask {asked}")
    approval = ask(run)
    approval.opened_at = datetime(2030, 12, 20, tzinfo=UTC)
    approval.expires_at = datetime(2030, 12, 27, 20, tzinfo=UTC)
    approval.save()

    class Monday(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Monday":
            return cls(2030, 12, 23, 12, tzinfo=tz)

    monkeypatch.setattr(plans, "datetime", Monday)
    take_due_steps(lambda: datetime(2030, 12, 23, 12, tzinfo=UTC))
    last_call = Step.objects.get(kind="last call")
    assert last_call.at == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_who_has_put_it_off_hears_a_last_call_that_comes_earlier_than_it_was_to(
    run: Run,
) -> None:
    GroupHours.objects.create(group=group("hr"), line="Mon-Wed 09:00-12:00 UTC")
    hold("1 of @data")
    approval = ask(run)
    approval.opened_at = datetime(2030, 12, 20, tzinfo=UTC)
    approval.expires_at = datetime(2030, 12, 27, 20, tzinfo=UTC)
    approval.save()
    plans.plan_last_call_again(approval)
    far = datetime(2031, 1, 1, tzinfo=UTC)
    put_off(approval, user=person("D1"), until=far)
    add_people(approval, line=0, who="@hr")
    plans.plan_last_call_again(approval)
    last_call = Step.objects.get(kind="last call")
    assert last_call.at == datetime(2030, 12, 25, 12, tzinfo=UTC)
    assert approval.put_offs.get().until == last_call.at


def test_nobody_is_disturbed_on_a_day_off(run: Run) -> None:
    channel = Channel.objects.create(user=person("F1"), kind=Channel.Kind.EMAIL)
    row = Notification(kind=Notification.Kind.MENTIONED, approval=ask(run), channel=channel)
    saturday = datetime(2030, 12, 21, 9, 30, tzinfo=UTC)
    assert find_moment(channel, [row], now=saturday) == saturday
    DayOff.objects.create(day=date(2030, 12, 21), group=group("finance"))
    assert find_moment(channel, [row], now=saturday) == datetime(2030, 12, 28, 9, tzinfo=UTC)


def test_the_administration_refuses_hours_that_it_cannot_read() -> None:
    person("root")
    root = person("root")
    root.is_staff = root.is_superuser = True
    root.save()
    form = {"group": group("hr").pk, "line": "Mon-Fri nine to five"}
    page = log_in("root").post("/admin/approvals/grouphours/add/", form)
    assert b"does not look like" in page.content
    assert Approval.objects.count() == 0
    assert not GroupHours.objects.filter(group=group("hr")).exists()
