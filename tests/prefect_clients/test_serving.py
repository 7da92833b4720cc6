"""Served flows: started by name, suspended for days, and gone on with in another process."""

from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.acceptance.clients import until
from tests.browser.desk import Reviewer
from tests.prefect_clients.clients import PrefectClient, results
from tests.prefect_clients.served import (
    serve,
    start,
    started_run,
    wait_for_question,
    wait_for_the_end_of_process,
)


def test_a_suspended_run_goes_on_in_another_process_with_the_answer(
    prefect: PrefectClient, api: httpx.Client, alice: Reviewer, notes: Path
) -> None:
    serve(prefect, notes)
    starting = start(prefect, "refund", notes)
    run = started_run(starting)
    wait_for_question(api, run)
    wait_for_the_end_of_process(notes)
    alice.page.goto(f"/runs/flow-run/{run}")
    alice.page.locator(".next-card-waiting").click()
    alice.page.get_by_label("Yes").check()
    alice.submit.click()
    expect(alice.page.get_by_role("heading", name="You answered this")).to_be_visible()
    output = starting.finish()
    assert results(output)[-1] == {"state": "Completed"}
    first, *charged, second, answered = notes.read_text().splitlines()
    assert first.startswith("refund in ")
    assert second.startswith("refund in ")
    assert first != second
    assert charged == ["charged 1", "charged 2"]
    assert answered == "True for receipt 1, receipt 2"


def test_a_run_that_a_reviewer_rejects_is_ended_by_its_runner(
    prefect: PrefectClient, api: httpx.Client, alice: Reviewer, notes: Path
) -> None:
    serve(prefect, notes)
    starting = start(prefect, "ask", notes)
    run = started_run(starting)
    wait_for_question(api, run)
    page = alice.page
    page.goto(f"/runs/flow-run/{run}")
    page.locator(".next-card-waiting").click()
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_label("Why do you reject it?").fill("No receipt")
    page.get_by_role("button", name="Reject with this reason").click()
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()
    assert results(starting.finish())[-1] == {"state": "Rejected"}
    wait_for_the_end_of_process(notes)


def test_a_run_that_is_suspended_from_outside_is_resumed_from_outside(
    newest: PrefectClient, api: httpx.Client, notes: Path
) -> None:
    serve(newest, notes)
    go_on = notes.with_name("go on")
    starting = start(newest, "work", notes, go_on=str(go_on))
    run = started_run(starting)
    until(lambda: "work in" in notes.read_text())
    newest.start_flow("controlling.py", "suspend", run).finish()
    wait_for_the_end_of_process(notes)
    assert api.get(f"/flow_runs/{run}").json()["state_name"] == "Suspended"
    go_on.touch()
    newest.start_flow("controlling.py", "resume", run).finish()
    assert results(starting.finish())[-1] == {"state": "Completed"}
    first, second, ended = notes.read_text().splitlines()
    assert first != second
    assert ended == "work ended"


def test_one_at_a_time_is_served_where_the_limit_is_one(
    newest: PrefectClient, api: httpx.Client, notes: Path
) -> None:
    serve(newest, notes, "one")
    naps = [start(newest, "nap", notes, seconds=1) for _ in range(2)]
    for nap in naps:
        assert results(nap.finish())[-1] == {"state": "Completed"}
    assert notes.read_text().splitlines() == ["nap begun", "nap ended"] * 2


def test_the_server_schedules_what_interval_and_cron_ask_for(
    newest: PrefectClient, api: httpx.Client, notes: Path
) -> None:
    serve(newest, notes, "often")
    until(lambda: notes.read_text().count("nap ended") >= 2)
    hourly = api.get("/deployments/name/nap/hourly").json()
    of_hourly = {"deployment_id": {"any_": [hourly["id"]]}}
    expected = {"flow_runs": of_hourly, "sort": "EXPECTED_START_TIME_ASC", "limit": 2}
    first, second = until(lambda: scheduled(api, expected))
    assert [run["state_name"] for run in (first, second)] == ["Scheduled", "Scheduled"]
    assert {run["expected_start_time"][14:19] for run in (first, second)} == {"00:00"}
    assert first["auto_scheduled"] is True


def scheduled(api: httpx.Client, query: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.post("/flow_runs/filter", json=query).json()
    return found if len(found) == 2 else []
