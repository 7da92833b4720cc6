"""Flows in a script: they pause, reviewers answer in the browser, and the flows go on."""

import re
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.acceptance.clients import runs_in, until
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.browser.desk import Reviewer
from tests.prefect_clients.clients import PrefectClient, Process, results


def open_question(alice: Reviewer, api: httpx.Client, flow: str, last_input: str) -> Page:
    """Wait until the flow has sent all of its question, and open it from the inbox."""

    def asked() -> bool:
        waiting = runs_in(api, "PAUSED")
        inputs = [f"/flow_runs/{run['id']}/input/{last_input}" for run in waiting]
        return [api.get(path).status_code for path in inputs] == [200]

    until(asked)
    alice.page.goto("/")
    alice.page.get_by_role("link", name=flow).click()
    return alice.page


def answer_both(alice: Reviewer, api: httpx.Client, flow: str, total: int) -> None:
    """Answer the typed question, of which part is filled in, and the automatic one."""
    page = open_question(alice, api, flow, "paused-1-description")
    expect(page.get_by_text(f"Refund {total} EUR?")).to_be_visible()
    expect(page.get_by_label("Amount")).to_have_value(re.compile(rf"^{total}(\.0)?$"))
    expect(page.get_by_label("Note")).to_have_value("by card")
    page.get_by_label("Yes").check()
    page.get_by_label("Amount").fill("12.5")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    page = open_question(alice, api, flow, "paused-2-schema")
    page.get_by_label("Value").fill("3")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()


def test_a_script_with_tasks_and_subflows_goes_on_with_what_reviewers_answer(
    prefect: PrefectClient, api: httpx.Client, alice: Reviewer
) -> None:
    script = prefect.start_flow("script.py")
    answer_both(alice, api, "refund", total=20)
    answer_both(alice, api, "refund-async", total=22)
    output = script.finish()
    assert results(output) == [[True, 12.5, "by card", 3]] * 2
    assert "refunding order 7" in output
    assert "summing up [14, 2, 4]" in output
    assert logged_since(api, script) == []


def logged_since(api: httpx.Client, script: Process) -> list[dict[str, Any]]:
    return [*api.post("/logs/filter", json={"logs": {"level": {"ge_": 30}}}).json()]


def test_a_rejected_script_fails_by_itself_and_stays_rejected(
    newest: PrefectClient, api: httpx.Client, alice: Reviewer
) -> None:
    """Prefect's client hears of nothing but RUNNING while it is paused."""
    script = newest.start_flow("impatient.py")
    script.may_complain = True  # of a pause that nobody resumed
    [run] = until(lambda: runs_in(api, "PAUSED"))
    page = alice.page
    page.goto(f"/runs/flow-run/{run['id']}")
    page.locator(".next-card-waiting").click()
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_label("Why do you reject it?").fill("No receipt")
    page.get_by_role("button", name="Reject with this reason").click()
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()
    assert script.forked.wait(PATIENCE_SECONDS) != 0
    state = api.get(f"/flow_runs/{run['id']}").json()["state"]
    assert (state["type"], state["name"]) == ("CANCELLED", "Rejected")
    assert state["message"] == "Rejected by alice: No receipt"
