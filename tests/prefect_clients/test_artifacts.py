"""What a flow shows with `prefect.artifacts` stands beside the decision."""

import httpx
from playwright.sync_api import expect

from tests.acceptance.clients import runs_in, until
from tests.browser.desk import Reviewer
from tests.prefect_clients.clients import PrefectClient


def test_a_reviewer_sees_what_the_flow_and_its_task_made(
    newest: PrefectClient, api: httpx.Client, alice: Reviewer
) -> None:
    script = newest.start_flow("showing.py")
    until(lambda: runs_in(api, "PAUSED"))
    page = alice.page
    page.goto("/")
    page.get_by_role("link", name="promote").click()
    expect(page.get_by_role("row", name="recall 0.8")).to_be_visible()
    expect(page.get_by_text("Of the candidate")).to_be_visible()
    expect(page.get_by_text("Some of it.")).to_be_visible()
    expect(page.get_by_text("None at all.")).to_have_count(0)
    training = page.get_by_role("link", name="The training")
    expect(training).to_have_attribute("href", "https://runs.example/7")
    expect(page.get_by_text("It lies at charts.example")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Backfill")).to_have_attribute("value", "60.0")
    page.get_by_role("button", name="Approve").click()
    output = script.finish()
    assert "Some *of it*." in output
    assert "went on" in output
