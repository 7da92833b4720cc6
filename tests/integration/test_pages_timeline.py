"""A run's page as a timeline: states, steps and pauses in the order of time."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from approvals.services import timelines
from flowruns.models import FlowRun
from tests.integration.conftest import Run
from tests.integration.pages import YES, ask, log_in, page_of, text_of
from tests.task_run_events import task_run_event


def add_step(run: Run, name: str, *, state: str = "COMPLETED", **task_run: Any) -> None:
    now = datetime.now(UTC).isoformat()
    times = {"start_time": now, "expected_start_time": now} | task_run
    event = task_run_event(flow_run_id=run.id, name=name, state=state, **times)
    assert run.api.post("/events", [event | {"occurred": now}]).status_code == 204


def open_page(run: Run, query: str = "") -> Any:
    return log_in().get(f"/runs/flow-run/{run.id}{query}")


def poll(page: HttpResponse, client: Client) -> HttpResponse:
    """Ask for the page's progress as an open page does."""
    address = re.search(r'id="progress" hx-get="([^"]+)"', page.content.decode())
    assert address, "the page does not ask again"
    response = client.get(address[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert isinstance(response, HttpResponse)
    return response


def test_states_steps_and_pauses_stand_in_the_order_of_time(run: Run) -> None:
    add_step(run, "first", end_time=datetime.now(UTC).isoformat(), total_run_time=75)
    log_in("bob").post(page_of(ask(run)), YES)
    add_step(run, "second", state="RUNNING")
    run.propose("COMPLETED")

    text = text_of(open_page(run)).partition("What happened so far")[2].partition("Parameters")[0]
    words = ["Completed", "second", "Running", "bob", "Waits for an answer", "Refund 2.5 EUR?"]
    places = [
        text.index(word) for word in [*words, "Answered", "first", "took 1 minute 15 seconds"]
    ]
    assert places == sorted(places)


def test_an_open_page_hears_of_what_is_new_and_of_nothing_else(run: Run) -> None:
    page = open_page(run)
    client = log_in()
    assert poll(page, client).status_code == 204
    add_step(run, "new-step")
    part = poll(page, client)
    assert part.status_code == 200
    assert "new-step" in part.content.decode()
    assert poll(part, client).status_code == 204
    ask(run)
    assert "Waits for you" in poll(part, client).content.decode()


def test_a_page_stops_asking_a_while_after_the_run_is_over(run: Run) -> None:
    page = open_page(run)
    run.propose("COMPLETED")
    client = log_in()
    part = poll(page, client)
    add_step(run, "straggler")
    assert "straggler" in poll(part, client).content.decode()

    ago = datetime.now(UTC) - timedelta(seconds=11)
    FlowRun.objects.filter(pk=run.id).update(end_time=ago)
    last = poll(part, client)
    assert "hx-get" not in last.content.decode()
    assert "hx-get" not in open_page(run).content.decode().partition('id="progress"')[2][:200]


def test_a_long_run_is_shown_in_pages_without_javascript(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines, "PAGE_SIZE", 4)
    moment = datetime.now(UTC).isoformat()  # all at once: the order among them is by id
    for number in range(9):
        add_step(run, f"step-{number}", start_time=moment)

    seen: list[str] = []
    query: str | None = ""
    while query is not None:
        html = open_page(run, query).content.decode()
        shown = re.findall(r"Step <bdi>(step-\d)</bdi>", html)
        assert len(shown) <= 4
        seen += shown
        link = re.search(r'href="[^"?]*(\?before=[^"#]+)#timeline-title" rel="next"', html)
        query = link[1] if link else None
    assert sorted(seen) == [f"step-{number}" for number in range(9)]
    assert "What happened earlier" in html
    assert "hx-trigger" not in html.partition('id="progress"')[2].partition("<section")[0]


@pytest.mark.parametrize("place", ["x", "1~", "~", "9" * 40 + "~x", "%00", "1~" + "0" * 32])
def test_an_invented_place_is_no_fault(run: Run, place: str) -> None:
    assert open_page(run, f"?before={place}").status_code == 200


def test_a_step_that_failed_says_why(run: Run) -> None:
    now = datetime.now(UTC).isoformat()
    event = task_run_event(flow_run_id=run.id, name="broken", state="FAILED", start_time=now)
    event["payload"]["validated_state"]["message"] = "ValueError('<b>no</b>')"
    assert run.api.post("/events", [event]).status_code == 204
    html = open_page(run).content.decode()
    assert "ValueError(&#x27;&lt;b&gt;no&lt;/b&gt;&#x27;)" in html


def test_the_timeline_of_a_deleted_run_is_gone(run: Run) -> None:
    log_in("bob").post(page_of(ask(run)), YES)
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    page = open_page(run)
    assert page.status_code == 200
    assert "What happened so far" not in text_of(page)


def test_strangers_poll_nothing(run: Run) -> None:
    response = Client().get(f"/runs/flow-run/{run.id}/progress/")
    assert response.status_code == 401
