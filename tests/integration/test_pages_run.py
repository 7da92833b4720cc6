import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client

from flowruns.models import FlowRun, Listener
from flowruns.services.upkeep.abandoned import UNSTARTED_AFTER, release_unstarted_runs
from flowruns.services.upkeep.expiry import expire_pauses
from flowruns.services.upkeep.heartbeat import (
    ABANDONED_AFTER,
    LOST_AFTER,
    end_abandoned_runs,
    note_heartbeat,
)
from flowruns.services.upkeep.scheduler import schedule_runs
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import YES, ask, log_in, page_of, text_of
from tests.integration.scheduled import HOURLY, deploy


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_link_in_the_flows_log_opens_the_run(make_run: Make, slash: str) -> None:
    run = make_run(name="quick-otter", parameters={"order": 4711}, tags=["finance"])
    approval = ask(run)
    response = log_in().get(f"/runs/flow-run/{run.id}{slash}")
    assert page_of(approval) in response.content.decode()
    text = text_of(response)
    for words in ("quick-otter", "refund", "4711", "finance", "Waits for an answer", "Running"):
        assert words in text


def test_the_run_tells_who_put_it_into_its_states(run: Run) -> None:
    log_in("bob").post(page_of(ask(run)), YES)
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "just now · bob" in text
    assert "API key “tests”" in text
    assert "What was decided" in text


def test_a_link_to_a_run_survives_the_login(run: Run) -> None:
    response = Client().get(f"/runs/flow-run/{run.id}")
    assert response["Location"] == f"/accounts/login/?next=/runs/flow-run/{run.id}"


@pytest.mark.parametrize(
    "identifier", [str(uuid4()), "nothing", "1"], ids=["uuid", "text", "number"]
)
def test_an_unknown_run_is_a_page_with_the_way_out(db: None, identifier: str) -> None:
    response = log_in().get(f"/runs/flow-run/{identifier}")
    assert response.status_code == 404
    assert "There is nothing here" in text_of(response)


def test_a_deleted_run_keeps_what_was_decided(run: Run) -> None:
    log_in("bob").post(page_of(ask(run)), YES)
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "The run was deleted" in text
    assert "by bob" in text


def test_a_run_that_expired_says_so_in_plain_words(run: Run) -> None:
    run.pause(seconds=-1)
    expire_pauses()
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "Nobody answered in time." in text
    assert "paused" not in text.lower()
    assert "resumed" not in text


def test_a_resumed_run_that_nobody_serves_says_so(make_run: Make) -> None:
    run = make_run(deployed=True)
    run.pause(pause_reschedule=True)
    page = f"/runs/flow-run/{run.id}"
    assert "Nobody serves this flow" not in text_of(log_in().get(page))
    run.resume()
    assert "Nobody serves this flow" in text_of(log_in().get(page))
    deployment_id = run.read()["deployment_id"]
    run.api.post("/deployments/get_scheduled_flow_runs", {"deployment_ids": [deployment_id]})
    assert "Nobody serves this flow" not in text_of(log_in().get(page))
    run.api.request("DELETE", f"/deployments/{deployment_id}")
    assert "Nobody serves this flow" in text_of(log_in().get(page))


def test_a_scheduled_run_says_when_it_starts(make_run: Make) -> None:
    run = make_run(deployed=True, state="PENDING")
    run.propose("SCHEDULED", state_details={"scheduled_time": "2031-05-06T07:08:00Z"}, force=True)
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "to start 6 May 2031, 07:08" in text
    assert "Nobody serves" not in text


def test_a_run_that_waits_for_a_slot_says_so_in_plain_words(api: Api) -> None:
    deployment = deploy(api, concurrency_limit=1)
    for _ in range(2):
        started = api.post(f"/deployments/{deployment['id']}/create_flow_run", {})
        run = Run(api, json.loads(started.content)["id"])
        run.propose("PENDING")
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "Waits for a free slot" in text
    assert "Concurrency" not in text


def test_an_operator_sees_schedules_limits_and_what_comes_next(
    api: Api, admin_client: Client
) -> None:
    deployment = deploy(api, concurrency_limit=3, schedules=[HOURLY | {"slug": "hourly"}])
    schedule_runs()
    for page, words in (
        ("deployment", "nightly"),
        ("deploymentschedule", "hourly"),
        ("concurrencylimit", f"deployment:{deployment['id']}"),
        ("flowrun", "Scheduled"),
    ):
        response = admin_client.get(f"/admin/flowruns/{page}/")
        assert response.status_code == 200
        assert words in response.content.decode()


def test_a_reviewer_is_told_that_the_flow_which_asks_is_not_there(run: Run) -> None:
    approval = ask(run)
    now, missed = datetime.now(UTC), "The flow that asks is not there at the moment."
    Listener.objects.create(since=now - timedelta(hours=1), seen=now)
    pages = [page_of(approval), f"/runs/flow-run/{run.id}"]
    for attended_at, is_lost in ((None, False), (now, False), (now - LOST_AFTER * 2, True)):
        FlowRun.objects.update(attended_at=attended_at)
        for page in pages:
            assert (missed in text_of(log_in().get(page))) is is_lost
    log_in("bob").post(page_of(approval), YES)
    for page in pages:
        assert missed not in text_of(log_in().get(page))


def test_what_became_of_a_silent_flow_is_told_in_plain_words(run: Run) -> None:
    now = datetime.now(UTC)
    Listener.objects.create(since=now - timedelta(hours=1), seen=now)
    then = now - ABANDONED_AFTER * 2
    FlowRun.objects.update(attended_at=then, state_timestamp=then)
    end_abandoned_runs()
    page = f"/runs/flow-run/{run.id}"
    assert "The flow has fallen silent." in text_of(log_in().get(page))
    note_heartbeat(run.uuid)
    text = text_of(log_in().get(page))
    assert "The flow is back, and goes on." in text
    assert "process" not in text


def test_a_start_that_did_not_happen_is_told_in_plain_words(make_run: Make) -> None:
    run = make_run(deployed=True, state="SCHEDULED")
    run.propose("PENDING")
    FlowRun.objects.update(state_timestamp=datetime.now(UTC) - UNSTARTED_AFTER * 2)
    release_unstarted_runs()
    text = text_of(log_in().get(f"/runs/flow-run/{run.id}"))
    assert "It was not started in time, and is started again." in text
