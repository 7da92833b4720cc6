"""What Prometheus reads: counted, looked up, and shown to who has the token."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.http import HttpResponse
from prometheus_client import generate_latest

from approvals.management import metrics
from approvals.models import Approval
from approvals.services.votes import answer_approval
from flowruns.models import RemoteServer
from flowruns.services.upkeep.rounds import LoopRecord, note_rounds
from flowruns.web.types import Message
from tests.integration.conftest import Make
from tests.integration.pages import ask, log_in

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-twenty-characters"
EXPIRE = "flowruns.services.upkeep.expiry.expire_pauses"


def read_metrics() -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_what_waits_is_counted_with_the_age_of_the_oldest(make_run: Make) -> None:
    first, _ = ask(make_run()), ask(make_run())
    opened_at = datetime.now(UTC) - timedelta(hours=2)
    Approval.objects.filter(pk=first.pk).update(opened_at=opened_at, obstacle="Nobody is there.")
    found = read_metrics()
    assert found["approvals_waiting"] == 2
    assert found["approvals_obstructed"] == 1
    assert found["approvals_oldest_waiting_seconds"] == pytest.approx(7_200, abs=60)


def test_decisions_are_counted_by_outcome_with_the_time_that_they_took(
    make_run: Make, django_capture_on_commit_callbacks: Any
) -> None:
    metrics.connect()
    approval = ask(make_run())
    before = read_metrics().get('approvals_ended_total{outcome="answered"}', 0)
    opened_at = datetime.now(UTC) - timedelta(minutes=10)
    Approval.objects.filter(pk=approval.pk).update(opened_at=opened_at)
    approval.refresh_from_db()
    alice = User.objects.create(username="alice")
    with django_capture_on_commit_callbacks(execute=True):
        answer_approval(approval, user=alice, run_input={"approve": True, "reason": ""})
    found = read_metrics()
    assert found['approvals_ended_total{outcome="answered"}'] == before + 1
    assert found['approvals_decision_seconds_sum{outcome="answered"}'] >= 600


def test_requests_are_measured_by_operation(make_run: Make) -> None:
    run = make_run()
    name = 'approvals_request_seconds_count{method="GET",operation="%s",status="2xx"}'
    before = read_metrics().get(name % "api:read_flow_run", 0)
    run.read()
    log_in("alice").get("/history/")
    found = read_metrics()
    assert found[name % "api:read_flow_run"] == before + 1
    assert found[name % "history"] >= 1


def test_calls_that_pass_no_view_are_measured_by_the_same_names(make_run: Make) -> None:
    path = f"/api/flow_runs/{make_run().id}"
    measured = metrics.measure_shortcuts(lambda scope, _: HttpResponse() if scope else None)
    name = (
        'approvals_request_seconds_count{method="GET",operation="api:read_flow_run",status="2xx"}'
    )
    before = read_metrics().get(name, 0)
    measured({"type": "http", "method": "GET", "path": path}, b"")
    assert measured({}, b"") is None
    assert read_metrics()[name] == before + 1


def test_loops_and_queues_are_told(make_run: Make) -> None:
    ran = datetime.now(UTC) - timedelta(minutes=3)
    record = LoopRecord(loop=EXPIRE, started_at=ran, succeeded_at=ran, failures=4)
    note_rounds([record], host="a")
    found = read_metrics()
    assert found['approvals_loop_lag_seconds{loop="expire_pauses"}'] == pytest.approx(180, abs=60)
    assert found['approvals_loop_failures{loop="expire_pauses"}'] == 4
    for queue in ("mail", "slack", "push", "teams", "apprise", "webhooks", "answers"):
        assert found[f'approvals_messages_waiting{{queue="{queue}"}}'] == 0
    assert found["approvals_held_requests"] == 0
    assert found["approvals_database_up"] == 1
    assert found["process_open_fds"] > 0


def test_other_servers_are_told_with_how_fresh_their_rows_are() -> None:
    read_at = datetime.now(UTC) - timedelta(minutes=2)
    freshness = [0.2] * 98 + [4.0] * 2
    address = "https://prefect.example.com/api"
    there = RemoteServer.objects.create(
        name="east", url=address, read_at=read_at, freshness=freshness
    )
    RemoteServer.objects.create(name="off", url=address, is_enabled=False)
    found = read_metrics()
    assert found['approvals_server_up{server="east"}'] == 1
    assert found['approvals_server_silence_seconds{server="east"}'] == pytest.approx(120, abs=60)
    name = 'approvals_server_freshness_seconds{quantile="%s",server="east"}'
    assert (found[name % "0.5"], found[name % "0.99"]) == (0.2, 4.0)
    assert not [each for each in found if 'server="off"' in each]
    RemoteServer.objects.filter(pk=there.pk).update(error="It does not answer.")
    assert read_metrics()['approvals_server_up{server="east"}'] == 0


def test_a_scrape_tells_that_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise DatabaseError

    monkeypatch.setattr(metrics, "_read_waiting", fail)
    assert read_metrics()["approvals_database_up"] == 0


def scrape(token: str) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def nobody(*_: object) -> Any:
        raise AssertionError

    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": headers}

    async def ask_once() -> None:
        await metrics.answer_scrapes(nobody)(scope, nobody, send)

    asyncio.run(ask_once())
    return int(sent[0]["status"])


def test_nobody_reads_without_the_token(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "generate_latest", lambda _: b"")
    assert scrape("") == 404
    assert scrape("anything") == 404
    settings.METRICS_TOKEN = TOKEN
    assert [scrape(token) for token in ("", "wrong", "ü", TOKEN)] == [401, 401, 401, 200]
