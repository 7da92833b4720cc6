"""Comments, several rows at once, and undoing, at a server that holds decisions for a while."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.barriers import find_barriers_by_scheme, find_overflow
from tests.browser.conftest import _MAKE_REVIEWERS, Seat
from tests.browser.desk import PASSWORD, REFUND, Flows, Reviewer, here_and_elsewhere
from tests.servers import ApprovalsServer, approvals_server


@pytest.fixture(scope="module")
def server() -> Iterator[ApprovalsServer]:
    """A server at which nothing takes effect while a test lasts."""
    with approvals_server(UNDO_SECONDS="600") as running:
        running.manage("shell", "--command", _MAKE_REVIEWERS.format(password=PASSWORD))
        yield running


def test_rows_are_selected_by_keys_and_undone_together(flows: Flows, alice: Reviewer) -> None:
    flows.pause("refund", schema=REFUND, seconds=2000)
    deploys = [flows.pause("deploy", name=f"release-{n}", seconds=3000 + n) for n in range(3)]
    page, press = alice.page, alice.page.keyboard.press
    page.goto("/")
    for key in "jxjxjxx":  # the last one is taken out of the selection again
        press(key)
    expect(page.locator("#picked-count")).to_have_text("2 selected")
    flows.pause("deploy", name="late", seconds=4000)
    expect(page.locator(".row")).to_have_count(5)
    expect(page.locator(".pick :checked")).to_have_count(2)
    expect(page.locator("#picked-count")).to_have_text("2 selected")
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Approve…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Approve 4 approvals?")
    expect(page.get_by_text("It asks for an answer: open it.")).to_be_visible()
    press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("4 of 4 approved")
    assert [deploy.state["type"] for deploy in deploys] == ["PAUSED"] * 3
    press("u")
    expect(page.get_by_text("Undone: 4 of 4.")).to_be_visible()
    expect(page.locator(".pick :checked")).to_have_count(4)


def test_an_approval_is_undone_and_others_see_it_held(
    flows: Flows, seat: Seat, bob: Reviewer
) -> None:
    waiting = flows.pause("deploy")
    alice = seat("alice", reduced_motion="reduce").log_in()
    bob.open(waiting)
    page = alice.open(waiting)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("Until then you can undo it.")).to_be_visible()
    assert [*find_overflow(page), *find_barriers_by_scheme(page)] == []
    expect(bob.page.locator("#held-by")).to_contain_text("alice answered this. It takes effect in")
    page.keyboard.press("u")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    expect(bob.page.locator("#held-by")).to_be_empty()
    assert waiting.state["type"] == "PAUSED"


@here_and_elsewhere
def test_people_talk_while_an_answer_is_typed(flows: Flows, alice: Reviewer, bob: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    bob.open(waiting)
    page = alice.open(waiting)
    page.get_by_label("Reason").fill("not sent yet")
    page.locator("#comment-text").fill("Is there a *photo*? @bob")
    page.locator("#comment-text").press("Control+Enter")
    expect(page.locator(".comment-text em")).to_have_text("photo")
    expect(page.get_by_label("Reason")).to_have_value("not sent yet")
    expect(bob.page.locator(".comment-text em")).to_have_text("photo")
    page.locator(".comment-edit summary").click()
    page.locator(".comment-edit textarea").fill("Is there a **film**?")
    page.get_by_role("button", name="Save").click()
    expect(bob.page.locator(".comment-text strong")).to_have_text("film")
    page.get_by_role("button", name="Delete").click()
    expect(bob.page.locator(".comment-deleted")).to_be_visible()
    assert waiting.state["type"] == "PAUSED"


def test_all_of_it_works_without_javascript(flows: Flows, seat: Seat) -> None:
    deploy, other = flows.pause("deploy"), flows.pause("other")
    page = seat("alice", java_script_enabled=False).log_in().open_inbox()
    for box in page.locator(".pick input").all():
        box.check()
    page.get_by_role("button", name="Reject…").click()
    page.get_by_label("Why do you reject them?").fill("not today")
    page.get_by_role("button", name="Reject 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 rejected")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: 2 of 2.")).to_be_visible()
    page.get_by_role("link", name="deploy").click()
    page.locator("#comment-text").fill("Who **asked**?")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".comment-text strong")).to_have_text("asked")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert (deploy.state["type"], other.state["type"]) == ("PAUSED", "PAUSED")
