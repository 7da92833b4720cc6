"""Who did what to the server is recorded, and exported as CSV and JSON lines."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from approvals.models import Policy
from approvals.services.votes import override_policy
from flowruns.domain.actors import reviewer
from flowruns.models import ApiKey, AuditEntry
from flowruns.services.api_keys import create_api_key, revoke_api_keys
from flowruns.services.audit import write_csv_line
from tests.integration.conftest import Make
from tests.integration.pages import ask, log_in

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def acts(*actions: str) -> list[tuple[str, str, str]]:
    entries = AuditEntry.objects.filter(action__in=actions).order_by("id")
    return [(each.action, each.actor, each.subject) for each in entries]


def boss() -> Client:
    User.objects.create(username="boss", is_staff=True, is_superuser=True)
    return log_in("boss")


def export(*arguments: str) -> str:
    out = io.StringIO()
    call_command("exportaudit", *arguments, stdout=out)
    return out.getvalue()


def test_log_ins_and_lock_outs_are_recorded_with_their_address() -> None:
    User.objects.create_user("alice", password=PASSWORD)
    right = {"username": "alice", "password": PASSWORD}
    browser = Client()
    browser.post("/accounts/login/", right, REMOTE_ADDR="192.0.2.1")
    browser.post("/accounts/logout/")
    for _ in range(12):
        wrong = {"username": "alice", "password": "wrong"}
        Client().post("/accounts/login/", wrong, REMOTE_ADDR="192.0.2.2")
    assert acts("logged_in", "logged_out", "locked_out") == [
        ("logged_in", "alice", ""),
        ("logged_out", "alice", ""),
        ("locked_out", "", "user: alice"),
    ]
    addresses = AuditEntry.objects.exclude(action="logged_out").values_list("address", flat=True)
    assert list(addresses.order_by("id")) == ["192.0.2.1", "192.0.2.2"]


def test_keys_are_recorded_when_they_are_made_and_revoked_and_never_shown() -> None:
    key = create_api_key("nightly", scopes=["flows"])
    keys = ApiKey.objects.filter(name="nightly")
    assert revoke_api_keys(keys, actor=reviewer("boss")) == 1
    assert revoke_api_keys(keys, actor=reviewer("boss")) == 0
    assert acts("key_created", "key_revoked") == [
        ("key_created", "server:command", "API key: nightly"),
        ("key_revoked", "boss", "API key: nightly"),
    ]
    assert key not in export("--format", "jsonl")


def test_a_deleted_flow_is_one_entry_whatever_it_had(make_run: Make) -> None:
    run, other = make_run(), make_run(deployed=True)
    assert run.api.request("DELETE", f"/flow_runs/{run.id}").status_code == 204
    flow_id = other.read()["flow_id"]
    assert run.api.request("DELETE", f"/flows/{flow_id}").status_code == 204
    told = acts("deleted")
    assert [actor for _, actor, _ in told] == ["api_key:tests"] * 2
    assert told[0][2].startswith("flow run: refund/")
    assert told[1][2] == "flow: refund"


def test_a_deleted_deployment_is_recorded(make_run: Make) -> None:
    run = make_run(deployed=True)
    path = f"/deployments/{run.read()['deployment_id']}"
    assert run.api.request("DELETE", path).status_code == 204
    assert acts("deleted") == [("deleted", "api_key:tests", "deployment: nightly")]


def test_a_decision_against_the_policy_is_recorded_with_its_reason(make_run: Make) -> None:
    Group.objects.create(name="finance")
    Policy.objects.create(name="refunds", line="1 of @finance")
    approval = ask(make_run())
    carol = User.objects.create(username="carol")
    carol.user_permissions.add(Permission.objects.get(codename="override_policy"))
    carol = User.objects.get(pk=carol.pk)
    answer = {"approve": True, "reason": ""}
    override_policy(approval, user=carol, reason="", run_input=answer)
    assert acts("policy_overridden") == []
    override_policy(approval, user=carol, reason="Finance is away", run_input=answer)
    [entry] = AuditEntry.objects.filter(action="policy_overridden")
    assert entry.actor == "carol"
    assert entry.details["reason"] == "Finance is away"


def test_what_the_administration_changes_and_deletes_is_recorded_one_by_one() -> None:
    browser = boss()
    for name in ("one", "two"):
        browser.post("/admin/auth/group/add/", {"name": name})
    ids = list(Group.objects.values_list("pk", flat=True))
    chosen = {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
    browser.post("/admin/auth/group/", chosen)
    assert not Group.objects.exists()
    assert sorted(acts("added", "deleted")) == [
        ("added", "boss", "group: one"),
        ("added", "boss", "group: two"),
        ("deleted", "boss", "group: one"),
        ("deleted", "boss", "group: two"),
    ]


def test_the_log_outlives_who_acted() -> None:
    log_in("alice")
    User.objects.get(username="alice").delete()
    assert ("logged_in", "alice", "") in acts("logged_in")
    assert acts("deleted") == [("deleted", "", "user: alice")]


def test_exports_are_csv_or_json_lines_of_a_time() -> None:
    create_api_key("=1+1", scopes=["flows"])
    AuditEntry.objects.update(subject="=1+1")
    [line] = export("--format", "jsonl").splitlines()
    assert json.loads(line)["details"] == {"scopes": "flows"}
    head, row = export().splitlines()
    assert head == "at,action,actor,subject,address,details"
    assert "key_created,server:command,'=1+1,," in row
    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    assert export("--since", tomorrow).splitlines() == [head]
    assert export("--until", tomorrow).splitlines() == [head, row]


@pytest.mark.parametrize("name", ["=1+1", " =1+1", "\uff1d1+1", "\t=1"])
def test_no_cell_of_the_log_is_a_formula_of_any_spreadsheet(name: str) -> None:
    entry = AuditEntry(at=datetime.now(UTC), action="key_created", subject=name)
    [cells] = csv.reader([write_csv_line(entry)])
    assert cells[3] == f"'{name}"


def test_the_administration_shows_and_exports_the_log() -> None:
    browser = boss()
    entry = AuditEntry.objects.get(actor="boss")
    assert b"logged_in" in browser.get("/admin/flowruns/auditentry/").content
    for action, expected in (
        ("export_csv", write_csv_line(entry)),
        ("export_json", '"action": "logged_in"'),
    ):
        chosen: dict[str, Any] = {"action": action, "_selected_action": [entry.pk]}
        response = browser.post("/admin/flowruns/auditentry/", chosen)
        assert expected in response.content.decode()
        assert "attachment" in response["Content-Disposition"]
    assert browser.get("/admin/flowruns/auditentry/add/").status_code == 403
