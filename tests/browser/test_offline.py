"""A reviewer whose connection goes and comes back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import REFUND, Flows, Reviewer


@pytest.fixture
def alice(alice: Reviewer) -> Iterator[Reviewer]:
    yield alice
    # The browser itself says of each request that it could not be sent.
    alice.complaints[:] = [text for text in alice.complaints if "htmx:sendError" not in text]


def fill_in(page: Page) -> None:
    page.get_by_label("Yes").check()
    page.get_by_label("Reason", exact=True).fill("half a novel")


def test_an_answer_stays_on_the_page_and_is_sent_when_the_server_is_back(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    fill_in(page)
    alice.context.set_offline(True)
    alice.submit.click()
    expect(page.get_by_text("Not sent yet: the server cannot be reached")).to_be_visible()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("half a novel")
    assert waiting.state["type"] == "PAUSED"
    alice.context.set_offline(False)
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"approve": True, "reason": "half a novel"}


def test_a_server_that_is_not_ready_is_waited_for(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    fill_in(page)

    def refuse(route: Route) -> None:
        route.fulfill(status=503)

    page.route("**/api/ready", refuse)
    alice.submit.click()
    expect(page.get_by_text("Not sent yet: the server cannot be reached")).to_be_visible()
    page.unroute("**/api/ready")
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()


def test_what_is_changed_while_it_waits_is_not_sent_unseen(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    fill_in(page)
    alice.context.set_offline(True)
    alice.submit.click()
    expect(page.get_by_text("Not sent yet: the server cannot be reached")).to_be_visible()
    page.get_by_label("Reason", exact=True).press_sequentially(", and more")
    expect(page.get_by_text("Not sent: you have changed something")).to_be_visible()
    alice.context.set_offline(False)
    expect(page.get_by_text("Draft saved")).to_be_visible()
    assert waiting.state["type"] == "PAUSED"
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"approve": True, "reason": "half a novel, and more"}


@pytest.mark.parametrize("place", ["on the approval's page", "on a page of its own"])
def test_a_rejection_is_sent_when_the_server_is_back(
    flows: Flows, alice: Reviewer, place: str
) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    if place == "on a page of its own":
        page.goto(f"{alice.path}reject/")
    else:
        page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_label("Why do you reject it?").fill("No receipt")
    alice.context.set_offline(True)
    page.locator("button.danger").click()
    expect(page.get_by_text("Not sent yet: the server cannot be reached")).to_be_visible()
    alice.context.set_offline(False)
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()
    assert waiting.state["message"] == "Rejected by alice: No receipt"


def test_a_draft_is_saved_by_itself_when_the_server_is_back(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    alice.context.set_offline(True)
    page.get_by_label("Reason", exact=True).fill("half a novel")
    expect(page.get_by_text("could not be saved as a draft")).to_be_visible()
    alice.context.set_offline(False)
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.get_by_text("could not be saved as a draft")).to_be_hidden()
    page.reload()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("half a novel")
