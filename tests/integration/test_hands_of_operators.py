"""What operators do in the administration and by command; the audit log tells of each act."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from approvals.models import Approval, Policy
from flowruns import admin as flowruns_admin
from flowruns.models import AuditEntry, Deployment, DeploymentSchedule, Flow, FlowRun
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.scheduled import HOURLY, deploy

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def boss() -> Client:
    User.objects.create(username="boss", is_staff=True, is_superuser=True)
    return log_in("boss")


def act(browser: Client, place: str, action: str, *ids: object) -> str:
    chosen: dict[str, Any] = {"action": action, "_selected_action": [str(each) for each in ids]}
    return text_of(browser.post(f"/admin/{place}/", chosen, follow=True))


def acts() -> list[tuple[str, str]]:
    told = AuditEntry.objects.exclude(action__in=["logged_in", "key_created"]).order_by("id")
    return [(entry.action, entry.actor) for entry in told]


def state_of(run: Run) -> str | None:
    return FlowRun.objects.get(pk=run.id).state_name


def test_a_run_is_cancelled_by_its_process_or_at_once_without_one(make_run: Make) -> None:
    runs, waits = make_run(), make_run(state="SCHEDULED")
    approval = ask(make_run())
    told = command("cancelrun", runs.id, waits.id, str(approval.flow_run_id))
    assert [state_of(runs), state_of(waits)] == ["Cancelling", "Cancelled"]
    assert "is Cancelling." in told
    approval.refresh_from_db()
    assert approval.outcome == Approval.Outcome.WITHDRAWN
    assert acts() == [("run_cancelled", "server:command")] * 3


def test_a_run_whose_process_is_gone_is_ended(make_run: Make) -> None:
    runs, cancelling = make_run(), make_run()
    command("cancelrun", cancelling.id)
    command("cancelrun", "--process-is-gone", runs.id, cancelling.id)
    assert [state_of(runs), state_of(cancelling)] == ["Crashed", "Cancelled"]
    AuditEntry.objects.all().delete()
    command("cancelrun", "--process-is-gone", runs.id)
    assert state_of(runs) == "Crashed"
    assert acts() == []
    with pytest.raises(CommandError, match="There is no flow run"):
        command("cancelrun", "00000000-0000-4000-8000-000000000000")


def test_a_guarded_run_may_be_cancelled_and_is_not_decided_by_it(make_run: Make) -> None:
    Group.objects.create(name="finance")
    Policy.objects.create(name="refunds", line="1 of @finance")
    approval = ask(make_run())
    act(boss(), "flowruns/flowrun", "cancel", approval.flow_run_id)
    approval.refresh_from_db()
    assert approval.outcome == Approval.Outcome.WITHDRAWN
    assert not hasattr(approval, "decision")


def test_the_administration_cancels_and_ends_runs(make_run: Make) -> None:
    browser, one, two = boss(), make_run(), make_run()
    assert "is Cancelling." in act(browser, "flowruns/flowrun", "cancel", one.id)
    page = act(browser, "flowruns/flowrun", "end", one.id, two.id)
    assert "is Cancelled." in page
    assert "is Crashed." in page
    assert [state_of(one), state_of(two)] == ["Cancelled", "Crashed"]
    assert {actor for _, actor in acts()} == {"boss"}


def test_deployments_and_schedules_are_paused_and_resumed(api: Api) -> None:
    deploy(api, schedules=[{**HOURLY, "slug": "hourly"}])
    deployment, schedule = Deployment.objects.get(), DeploymentSchedule.objects.get()

    def is_on() -> tuple[bool, bool]:
        deployment.refresh_from_db()
        schedule.refresh_from_db()
        return not deployment.paused, schedule.active

    assert "makes no more runs" in command("pausedeployment", "refund/nightly")
    assert is_on() == (False, True)
    command("pausedeployment", "refund/nightly", "--resume")
    command("pausedeployment", "refund/nightly", "--schedule", "hourly")
    assert is_on() == (True, False)
    browser = boss()
    act(browser, "flowruns/deploymentschedule", "resume", schedule.pk)
    act(browser, "flowruns/deployment", "pause", deployment.pk)
    assert is_on() == (False, True)
    act(browser, "flowruns/deploymentschedule", "pause", schedule.pk)
    act(browser, "flowruns/deployment", "resume", deployment.pk)
    assert is_on() == (True, False)
    assert [action for action, _ in acts()].count("paused") == 4
    with pytest.raises(CommandError, match="there are: hourly"):
        command("pausedeployment", "refund/nightly", "--schedule", "daily")
    with pytest.raises(CommandError, match="There is no deployment"):
        command("pausedeployment", "refund/other")


def test_a_flow_is_deleted_with_its_runs(make_run: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run()
    assert "Deleted refund and 1 runs." in command("deleteflow", "refund")
    with pytest.raises(CommandError, match="There is no flow"):
        command("deleteflow", "refund")
    browser, run = boss(), make_run()
    flow = Flow.objects.get()
    monkeypatch.setattr(flowruns_admin, "MOST_RUNS", 0)
    assert "use the command" in act(browser, "flowruns/flow", "delete_with_runs", flow.pk)
    assert FlowRun.objects.filter(pk=run.id).exists()
    monkeypatch.undo()
    assert "Deleted refund." in act(browser, "flowruns/flow", "delete_with_runs", flow.pk)
    assert not Flow.objects.exists()


def test_somebody_who_is_locked_out_is_let_in_again() -> None:
    alice = User.objects.create_user("alice", password=PASSWORD)
    right = {"username": "alice", "password": PASSWORD}

    def lock_out() -> None:
        for _ in range(11):
            Client().post("/accounts/login/", {**right, "password": "wrong"})
        assert Client().post("/accounts/login/", right).status_code == 429

    lock_out()
    assert "alice can log in again" in command("unlockuser", "alice")
    assert Client().post("/accounts/login/", right).status_code == 302
    lock_out()
    assert "Unlocked: alice." in act(boss(), "auth/user", "unlock", alice.pk)
    assert Client().post("/accounts/login/", right).status_code == 302
    with pytest.raises(CommandError, match="bob is not locked out"):
        command("unlockuser", "bob")
    assert ("unlocked", "boss") in acts()


def test_it_is_listed_who_could_answer_what(make_run: Make) -> None:
    finance = Group.objects.create(name="finance")
    for name in ("alice", "bob", "charlie"):
        User.objects.create(username=name).groups.add(*([finance] if name != "charlie" else []))
    ask(make_run())
    Policy.objects.create(name="refunds", line="1 of @finance")
    ask(make_run())
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    first, second = command("listanswerers").splitlines()
    assert first.startswith(today)
    assert first.endswith(": anyone")
    assert second.endswith(": alice, bob")
    assert len(command("listanswerers", "--user", "alice").splitlines()) == 2
    assert command("listanswerers", "--user", "charlie").splitlines() == [first]
    assert command("listanswerers", "--flow", "other") == ""
    with pytest.raises(CommandError, match="no active user"):
        command("listanswerers", "--user", "dora")


def test_who_may_only_look_acts_on_nothing(make_run: Make) -> None:
    run = make_run()
    dora = User.objects.create(username="dora", is_staff=True)
    dora.user_permissions.set(Permission.objects.filter(codename="view_flowrun"))
    act(log_in("dora"), "flowruns/flowrun", "cancel", run.id)
    assert state_of(run) == "Running"
