import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Seat
from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer


@pytest.fixture
def alice(seat: Seat) -> Reviewer:
    return seat("alice", java_script_enabled=False).log_in()


def test_an_approval_is_found_and_answered(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause("choose", schema=ITEMS)
    flows.pause("other")
    page = alice.open_inbox()
    page.get_by_role("searchbox").fill("choose")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".row-link")).to_have_text(["choose"])
    page.get_by_role("link", name="choose").click()
    expect(page.locator("#decision-bar")).to_contain_text("until ")
    page.get_by_label("Note").fill("typed before")
    page.get_by_role("button", name="Add Items").click()
    expect(page.get_by_label("Note")).to_have_value("typed before")
    page.get_by_label("Items 1").fill("one")
    page.get_by_role("button", name="Submit", exact=True).last.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"items": ["one"], "note": "typed before"}


def test_an_approval_is_rejected(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause("choose", schema=REFUND)
    page = alice.page
    page.goto("/")
    page.get_by_role("link", name="choose").click()
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_label("Why do you reject it?").fill("No receipt")
    page.get_by_role("button", name="Reject with this reason").click()
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()
    assert waiting.state["name"] == "Rejected"


def test_a_form_that_arrives_late_appears_by_itself(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause("late", schema={})
    page = alice.page
    page.goto("/")
    page.get_by_role("link", name="late").click()
    expect(page.get_by_text("The form is arriving")).to_be_visible()
    flows.put(waiting.id, "p-schema", REFUND)
    expect(page.get_by_label("Reason")).to_be_visible(timeout=15_000)


def test_a_reviewer_logs_out(flows: Flows, seat: Seat) -> None:
    page = seat("alice", java_script_enabled=False).log_in(anew=True).open_inbox()
    page.locator("#account-menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
