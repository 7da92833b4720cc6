"""While the database cannot be used, everybody is told so, and the log says it once."""

import json
import logging
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, OperationalError
from django.test import Client

from flowruns.models import Listener
from flowruns.pubsub import outages
from flowruns.pubsub.outages import LeaveToOutages
from flowruns.services.runs import flow_runs as services
from flowruns.services.upkeep.heartbeat import note_heartbeats
from tests.integration.conftest import Api, Run


def fail(error: Exception) -> Any:
    def raise_it(*_: Any, **__: Any) -> None:
        raise error

    return raise_it


@pytest.fixture(autouse=True)
def no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "_outage", outages._Outage())


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("database is locked"),
        OperationalError("database or disk is full"),
        InterfaceError("connection already closed"),
    ],
    ids=str,
)
def test_an_operation_answers_503_and_when_to_come_again(
    error: Exception, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "read_flow_run", fail(error))
    response = run.api.get(f"/flow_runs/{run.id}")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    assert json.loads(response.content) == {"detail": "The database is not available."}


def test_a_page_says_it_in_a_sentence(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False, headers={"cookie": "sessionid=somebody"})
    monkeypatch.setattr(
        "approvals.web.sessions.SessionStore.load",
        fail(OperationalError("the connection is lost")),
    )
    page = client.get("/")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "cannot reach its database" in page.content.decode()


def test_who_logs_in_while_the_disk_is_full_is_told_so(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django says that it cannot store a session as if the browser had sent a bad request."""
    User.objects.create_user("alice", password="let-me-in")
    full = fail(OperationalError("database or disk is full"))
    monkeypatch.setattr("django.contrib.sessions.models.Session.save", full)
    form = {"username": "alice", "password": "let-me-in"}
    page = Client(raise_request_exception=False).post("/accounts/login/", form)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "2")
    assert "cannot reach its database" in page.content.decode()


def test_a_fault_of_ours_is_json_under_the_api(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "read_flow_run", fail(DatabaseError("file is not a database")))
    monkeypatch.setattr(run.api._client, "raise_request_exception", False)
    response = run.api.get(f"/flow_runs/{run.id}")
    assert response.status_code == 500
    assert json.loads(response.content) == {"detail": "The server failed; its log says why."}


def test_an_outage_is_told_once_and_once_when_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 101.0, 101.0, 102.0, 102.0, 103.0, 104.0, 106.0])
    # Of this module alone: other threads ask for the time, too
    monkeypatch.setattr(outages, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    caplog.set_level(logging.WARNING, "flowruns.pubsub.outages")
    for _ in range(3):
        outages.note_failure(OperationalError("it is\naway"))
        outages.note_success()
    assert [record.getMessage() for record in caplog.records] == [
        "The database cannot be used: it is away"
    ]
    for _ in range(5):
        outages.note_success()
    assert [record.getMessage() for record in caplog.records[1:]] == [
        "The database can be used again, after 6 seconds."
    ]


def test_djangos_log_says_nothing_for_each_request() -> None:
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, "x", (), None)
    assert LeaveToOutages().filter(record)
    record.status_code = 503
    assert not LeaveToOutages().filter(record)


def test_flows_of_a_web_process_that_was_away_itself_are_given_time(api: Api) -> None:
    long_ago = datetime.now(UTC) - timedelta(seconds=75)
    listener = Listener.objects.create(pk=uuid4(), since=long_ago, seen=long_ago)
    note_heartbeats(listener.pk, [])
    listener.refresh_from_db()
    assert listener.since > long_ago + timedelta(seconds=60)
