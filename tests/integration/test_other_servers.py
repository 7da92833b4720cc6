"""Runs that wait on Prefect servers elsewhere are approvals here, until they end there."""

import csv
import io
import json

import pytest
from django.contrib.auth.models import User

from approvals.models import Approval
from approvals.remote.settling import settle
from flowruns.connectors import get_remote_connector
from tests.fake_prefect import FakePrefect, Fault
from tests.integration.conftest import Make
from tests.integration.elsewhere import (
    NAME,
    ask_there,
    let_copy_age,
    look,
    note_away,
    now,
)
from tests.integration.pages import log_in, page_of, text_of

pytestmark = pytest.mark.django_db


def test_what_waits_elsewhere_is_in_the_inbox_and_says_where_it_lives(server: FakePrefect) -> None:
    approval = ask_there(server, name="quick-otter", tags=["finance"])
    assert (approval.connector, approval.flow_name) == (NAME, "refund")
    text = text_of(log_in().get("/"))
    for words in ("Refund?", "quick-otter", "staging", "It was late.", "finance"):
        assert words in text


def test_the_inbox_is_filtered_and_searched_by_server(server: FakePrefect, make_run: Make) -> None:
    ask_there(server, name="far-otter")
    make_run(name="near-badger").pause()
    for query in ({"server": NAME}, {"q": "stag"}):
        text = text_of(log_in().get("/", query))
        assert "far-otter" in text
        assert "near-badger" not in text
    assert "far-otter" not in text_of(log_in().get("/", {"server": "-"}))
    assert "local" not in {a.server for a in Approval.objects.all()}


def test_its_page_shows_form_parameters_and_artifacts(server: FakePrefect) -> None:
    approval = ask_there(server, parameters={"order": 4711})
    server.artifacts = [artifact(approval, "report", "all *fine*")]
    let_copy_age(approval)
    text = text_of(log_in().get(page_of(approval)))
    for words in ("Refund?", "It was late.", "Approve", "order", "4711", "Report", "all fine"):
        assert words in text


def artifact(approval: Approval, key: str, data: str) -> dict[str, object]:
    return {
        "id": "0190f3a0-0000-7000-8000-00000000000a",
        "key": key,
        "type": "markdown",
        "data": data,
        "created": "2026-01-01T00:00:00Z",
        "updated": "2026-01-01T00:00:00Z",
        "flow_run_id": str(approval.flow_run_id),
    }


def test_its_page_stays_while_the_server_is_away_and_says_since_when(server: FakePrefect) -> None:
    approval = ask_there(server, parameters={"order": 4711})
    let_copy_age(approval)
    note_away()
    text = text_of(log_in().get(page_of(approval)))
    assert "staging does not answer" in text
    assert "The server cannot be reached." in text
    for words in ("It was late.", "4711", "Submit"):
        assert words in text
    run = text_of(log_in().get(f"/runs/flow-run/{approval.flow_run_id}"))
    assert "staging does not answer" in run


def test_a_draft_is_kept_while_the_server_is_away(server: FakePrefect) -> None:
    approval = ask_there(server)
    note_away()
    alice = log_in()
    alice.post(f"{page_of(approval)}draft/", {"f.0": "1", "f.1": "2026-05-05"})
    assert "2026-05-05" in alice.get(page_of(approval)).content.decode()


def test_of_many_that_wait_the_names_are_asked_at_once(server: FakePrefect) -> None:
    nightly = "0190f3a0-0000-7000-8000-00000000000d"
    server.deployments[nightly] = {"name": "nightly", "status": "READY", "paused": False}
    for _ in range(30):
        server.pause(deployment_id=nightly)
    look()
    opened = Approval.objects.select_related("snapshot")
    assert {each.flow_name for each in opened} == {"refund"}
    assert {each.snapshot.deployment_name for each in opened} == {"nightly"}
    assert all(each.snapshot.schema for each in opened)
    for kind in ("flows", "deployments"):
        assert [r for r in server.requests if kind in r.split("/")] == [f"POST /{kind}/filter"]


def test_a_run_whose_question_cannot_be_read_keeps_no_other_from_opening(
    server: FakePrefect,
) -> None:
    odd, _ = server.pause()
    for _ in range(3):
        server.pause()
    server.faults = [Fault(f"POST /flow_runs/{odd}/input", status=500)] * 9
    look()
    assert Approval.objects.count() == 3
    server.faults = []
    look()
    assert Approval.objects.count() == 4


def test_a_pause_without_a_form_has_the_policy_of_its_author_too(server: FakePrefect) -> None:
    run_id, pause_id = server.pause(asks=False)
    server.store(run_id, "paused-1-policy", json.dumps("2 of anyone"))
    look()
    assert Approval.objects.get(pause_state_id=pause_id).is_guarded


def test_what_is_answered_there_is_told_with_the_answer(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    server.store(run_id, "paused-1-response", '{"approve": true}')
    server.put(run_id, "RUNNING")
    look()
    ended = now(approval)
    assert ended.outcome == "answered"
    assert ended.decision.answer == '{"approve": true}'
    text = text_of(log_in().get(page_of(approval)))
    assert "Somebody on staging answered this" in text
    history = text_of(log_in().get("/history/"))
    assert "staging" in history


def test_an_answer_of_another_desk_is_told_by_name(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    sender = f"approvals:desk-b.example:{approval.pk}:bob"
    server.store(run_id, "paused-1-response", '{"approve": false}', sender)
    server.put(run_id, "RUNNING")
    look()
    assert now(approval).decision.decided_by == "server:bob (desk-b.example) on staging"
    assert "Bob (desk-b.example) on staging answered this" in text_of(
        log_in().get(page_of(approval))
    )


def test_the_first_exit_from_the_pause_is_the_outcome(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    server.store(run_id, "paused-1-response", '{"approve": true}')
    server.put(run_id, "RUNNING")
    server.put(run_id, "FAILED", message="Something else")
    look()
    assert now(approval).outcome == "answered"


@pytest.mark.parametrize(
    ("kind", "fields", "outcome"),
    [
        ("CANCELLED", {"message": "Stopped"}, "withdrawn"),
        ("FAILED", {"message": "The flow was paused and never resumed."}, "expired"),
        ("CANCELLED", {"name": "Rejected", "message": "Rejected by zoe: no"}, "rejected"),
        ("CRASHED", {}, "withdrawn"),
    ],
)
def test_what_ends_there_ends_here(
    server: FakePrefect, kind: str, fields: dict[str, str], outcome: str
) -> None:
    details = {"pause_timeout": "2099-01-01T00:00:00Z", "pause_key": "1"}
    run_id, pause_id = server.pause(asks=False)
    server.runs[run_id]["state"]["state_details"] |= details
    look()
    server.put(run_id, kind, **fields)
    look()
    assert Approval.objects.get(pause_state_id=pause_id).outcome == outcome


def test_a_run_that_is_deleted_there_is_withdrawn(server: FakePrefect) -> None:
    approval = ask_there(server)
    del server.runs[str(approval.flow_run_id)]
    look()
    assert now(approval).outcome == "withdrawn"
    assert log_in().get(page_of(approval)).status_code == 200


def test_a_run_that_pauses_again_asks_again(server: FakePrefect) -> None:
    first = ask_there(server)
    run_id = str(first.flow_run_id)
    server.store(run_id, "paused-1-response", '{"approve": true}')
    server.put(run_id, "RUNNING")
    second = server.put(run_id, "PAUSED", name="Paused", state_details={"pause_key": "2"})
    look()
    assert now(first).outcome == "answered"
    assert Approval.objects.get(pause_state_id=second["id"]).is_waiting


def test_hints_may_come_twice_late_and_unordered(server: FakePrefect) -> None:
    approval = ask_there(server)
    connector = get_remote_connector(NAME)
    for _ in range(3):
        settle(connector, approval.flow_run_id)
    server.put(str(approval.flow_run_id), "CANCELLED")
    for _ in range(3):
        settle(connector, approval.flow_run_id)
    assert Approval.objects.count() == 1
    assert now(approval).outcome == "withdrawn"


def test_a_form_that_comes_late_is_taken_in(server: FakePrefect) -> None:
    run_id, pause_id = server.pause()
    stored = server.inputs.pop((run_id, "paused-1-schema"))
    look()
    approval = Approval.objects.get(pause_state_id=pause_id)
    assert "The form is arriving" in text_of(log_in().get(page_of(approval)))
    server.inputs[run_id, "paused-1-schema"] = stored
    server.store(run_id, "paused-1-description", '"# Late words"')
    look()
    assert now(approval).title == "Late words"
    assert "Submit" in text_of(log_in().get(page_of(approval)))


def test_most_of_a_servers_runs_vanish_and_the_staff_is_asked(server: FakePrefect) -> None:
    approvals = [ask_there(server) for _ in range(5)]
    gone = [server.runs.pop(str(each.flow_run_id)) for each in approvals[:4]]
    look()
    assert len(gone) == 4
    assert [now(each).outcome for each in approvals] == ["waiting"] * 5
    User.objects.create(username="zoe", is_staff=True)
    zoe = log_in("zoe")
    assert "4 of the runs that wait are no longer on this server." in text_of(zoe.get("/servers/"))
    assert log_in().get("/servers/").status_code == 404
    zoe.post(f"/servers/{NAME}/close-missing/")
    look()
    assert [now(each).outcome for each in approvals] == ["withdrawn"] * 4 + ["waiting"]
    assert "no longer on this server" not in text_of(zoe.get("/servers/"))


def test_runs_that_come_back_are_forgotten_as_missing(server: FakePrefect) -> None:
    approvals = [ask_there(server) for _ in range(5)]
    runs = dict(server.runs)
    server.runs.clear()
    look()
    server.runs |= runs
    look()
    assert all(now(each).is_waiting for each in approvals)
    User.objects.create(username="zoe", is_staff=True)
    assert "no longer on this server" not in text_of(log_in("zoe").get("/servers/"))


def test_the_export_names_the_server(server: FakePrefect) -> None:
    approval = ask_there(server)
    server.put(str(approval.flow_run_id), "CANCELLED")
    look()
    exported = b"".join(log_in().get("/history/export/").streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(exported.decode("utf-8-sig"))))
    assert [row["Server"] for row in rows] == [NAME]


def test_an_authors_policy_there_holds_here(server: FakePrefect) -> None:
    run_id, pause_id = server.pause()
    server.store(run_id, "paused-1-policy", json.dumps("2 of anyone"))
    look()
    approval = Approval.objects.get(pause_state_id=pause_id)
    assert approval.is_guarded
    assert [kept["line"] for kept in approval.policies] == ["2 of anyone"]


def test_a_reviewer_is_warned_of_what_is_different_there(server: FakePrefect) -> None:
    nightly = "0190f3a0-0000-7000-8000-00000000000d"
    server.deployments[nightly] = {"name": "nightly", "status": "NOT_READY", "paused": True}
    approval = ask_there(server, suspended=True, deployment_id=nightly)
    assert "Nobody serves this flow at the moment." in text_of(log_in().get(page_of(approval)))
    server.version = "2.20.0"
    look()
    assert "Answer it on its own server." in text_of(log_in().get(page_of(approval)))
