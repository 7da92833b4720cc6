"""More time for what a run asks that is suspended, or paused by our SDK."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User

from approvals.models import Approval, Step
from approvals.services.decisions import Refused, TooLate
from approvals.services.extending import extend_deadline
from approvals.services.stepping import take_due_steps
from flowruns.models import FlowRun
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import Make, Run
from tests.integration.pages import log_in, page_of, text_of
from tests.integration.telling import Mail, mail, reach
from tests.teams import hold, person

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def boss(db: None) -> User:
    person("boss").user_permissions.add(Permission.objects.get(codename="extend_deadline"))
    return User.objects.get(username="boss")


@pytest.fixture
def run(make_run: Make) -> Run:
    """A run that may be suspended."""
    return make_run(deployed=True)


def suspend(run: Run) -> Approval:
    run.pause(seconds=3600, pause_reschedule=True)
    return Approval.objects.get()


def test_a_suspended_run_gets_more_time(run: Run, boss: User) -> None:
    hold('anyone; at the end reject because "no"')
    approval = suspend(run)
    before = approval.expires_at
    assert before is not None
    client = log_in("boss")
    assert "A day more" in text_of(client.get(page_of(approval)))
    client.post(f"{page_of(approval)}extend/", {"days": "1"})
    approval.refresh_from_db()
    assert approval.expires_at == before + DAY
    assert FlowRun.objects.get(pk=run.uuid).expires_at == before + DAY
    timeout = run.read()["state"]["state_details"]["pause_timeout"]
    assert datetime.fromisoformat(timeout) == before + DAY
    assert "boss has given it more time." in text_of(client.get(page_of(approval)))
    assert take_due_steps(lambda: datetime.now(UTC) + timedelta(hours=2)) == 0
    assert Step.objects.get(kind="reject").at == before + DAY - timedelta(seconds=5)
    assert run.resume()["status"] == "ACCEPT"


def pass_time(minutes: int) -> None:
    take_due_steps(lambda: datetime.now(UTC) + timedelta(minutes=minutes))


def steps_of(kind: str) -> list[timedelta]:
    """Return how long from now the steps of a kind come that are to come."""
    found = Step.objects.filter(kind=kind, taken_at=None).order_by("at")
    left = [at - datetime.now(UTC) for at in found.values_list("at", flat=True)]
    return [timedelta(minutes=round(each.total_seconds() / 60)) for each in left]


@pytest.mark.parametrize("who", ["anyone", "1 of boss"])
def test_reminders_that_repeat_go_on_when_there_is_more_time(
    run: Run, boss: User, who: str
) -> None:
    hold(f"{who}; every 20 minutes remind")
    approval = suspend(run)
    for minute in range(1, 61, 10):
        pass_time(minute)
    assert steps_of("remind") == steps_of("last call") == []
    extend_deadline(approval, user=boss, by=7 * DAY)
    assert steps_of("remind") == [timedelta(minutes=20)]
    assert len(steps_of("last call")) == 1


def test_steps_that_the_old_deadline_held_back_come_when_they_are_due(run: Run, boss: User) -> None:
    person("F1")
    hold("1 of F1; after 20 minutes remind; after 1 day remind; after 2 days ask boss")
    approval = suspend(run)
    assert steps_of("remind") == [timedelta(minutes=20)]
    assert steps_of("ask") == steps_of("last call") == [timedelta(minutes=30)]
    extend_deadline(approval, user=boss, by=7 * DAY)
    assert steps_of("remind") == [timedelta(minutes=20), DAY]
    assert steps_of("ask") == [2 * DAY]


def test_a_last_call_that_was_not_sent_is_none_when_there_is_more_time(
    mail: Mail, run: Run, boss: User
) -> None:
    reach("F1")
    hold("1 of F1")
    approval = suspend(run)
    mail.deliver()
    pass_time(31)
    extend_deadline(approval, user=boss, by=7 * DAY)
    assert mail.deliver(minutes=31) == 0
    assert mail.outcomes(kind="last call") == [("last call", "skipped")]


def test_a_run_that_our_sdk_has_paused_gets_more_time(run: Run, boss: User) -> None:
    run.put("paused-1-step", "{}")
    run.pause()
    approval = Approval.objects.get()
    assert "A day more" in text_of(log_in("boss").get(page_of(approval)))
    before = approval.expires_at
    assert before is not None
    assert extend_deadline(approval, user=boss, by=DAY) == before + DAY
    timeout = run.read()["state"]["state_details"]["pause_timeout"]
    assert datetime.fromisoformat(timeout) == before + DAY
    assert FlowRun.objects.get(pk=run.uuid).expires_at == before + DAY


def test_its_process_may_have_given_up_in_the_last_seconds(run: Run, boss: User) -> None:
    run.put("paused-1-step", "{}")
    run.pause()
    FlowRun.objects.update(expires_at=datetime.now(UTC) + timedelta(seconds=4))
    assert isinstance(extend_deadline(Approval.objects.get(), user=boss, by=DAY), Refused)


def test_the_process_of_another_client_waits_by_its_own_clock(run: Run, boss: User) -> None:
    run.pause()
    approval = Approval.objects.get()
    assert isinstance(extend_deadline(approval, user=boss, by=DAY), Refused)
    assert "A day more" not in text_of(log_in("boss").get(page_of(approval)))


def test_only_who_may_extends_and_within_bounds(run: Run, boss: User) -> None:
    approval = suspend(run)
    assert extend_deadline(approval, user=person("Z"), by=DAY) == Refused(
        "You may not extend deadlines."
    )
    for span in (-DAY, timedelta(), 40 * DAY):
        assert isinstance(extend_deadline(approval, user=boss, by=span), Refused)


def test_what_has_run_out_gets_no_more_time(run: Run, boss: User) -> None:
    approval = suspend(run)
    FlowRun.objects.update(expires_at=datetime.now(UTC))
    assert isinstance(extend_deadline(approval, user=boss, by=DAY), Refused)
    expire_pauses()
    assert isinstance(extend_deadline(approval, user=boss, by=DAY), TooLate)


def test_the_permission_is_called_by_what_it_allows_also_where_it_was_there_before() -> None:
    rename = import_module("approvals.migrations.0015_deadlines_of_runs_that_wait")
    found = Permission.objects.filter(codename="extend_deadline")
    assert found.get().name == "Can extend the deadline of a run that waits"
    rename.rename_back(apps, None)
    assert found.get().name == "Can extend the deadline of a suspended run"
    rename.rename(apps, None)
    assert found.get().name == "Can extend the deadline of a run that waits"
