from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.browser.conftest import Seat
from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer, here_and_elsewhere


def expect_saved(page: Page) -> None:
    """For what was typed first: the words stay while more is typed and saved."""
    expect(page.get_by_text("Draft saved")).to_be_visible()


def saves(text: str) -> Callable[[Response], bool]:
    """Return what tells the answer to a draft that holds the text."""

    def tell(response: Response) -> bool:
        is_draft = response.url.endswith("/draft/")
        return is_draft and response.ok and text in (response.request.post_data or "")

    return tell


@here_and_elsewhere
def test_a_draft_is_saved_while_typing_and_found_on_another_device(
    flows: Flows, alice: Reviewer, seat: Seat
) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("No").check()
    page.get_by_label("Reason", exact=True).click()
    page.keyboard.type("half a ")
    expect_saved(page)
    page.keyboard.type("novel")  # the save took no focus
    with page.expect_response("**/draft/") as saved:
        pass
    assert saved.value.status == 204
    phone = seat("alice").log_in()
    phone.open(waiting)
    expect(phone.page.get_by_text("Welcome back")).to_be_visible()
    expect(phone.page.get_by_label("Reason", exact=True)).to_have_value("half a novel")
    expect(phone.page.get_by_label("No")).to_be_checked()
    phone.page.get_by_role("button", name="Start afresh").click()
    expect(phone.page.get_by_text("Your draft was deleted")).to_be_visible()
    expect(phone.page.get_by_label("Reason", exact=True)).to_have_value("")


def test_a_reason_is_part_of_the_draft(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_label("Why do you reject it?").fill("no receipt")
    expect_saved(page)
    page.reload()
    expect(page.get_by_label("Why do you reject it?")).to_have_value("no receipt")
    page.get_by_role("button", name="Reject with this reason").click()
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()


def test_rows_and_their_texts_come_back(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=ITEMS)
    page = alice.open(waiting)
    for number, text in enumerate(["one", "two"], 1):
        page.get_by_role("button", name="Add Items").click()
        expect(page.get_by_label(f"Items {number}", exact=True)).to_be_focused()
        with page.expect_response(saves(text)):
            page.keyboard.type(text)
    page.reload()
    expect(page.get_by_label("Items 2", exact=True)).to_have_value("two")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"items": ["one", "two"], "note": ""}


@here_and_elsewhere
def test_whoever_was_slower_reads_what_was_typed_now_and_later(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Reason", exact=True).fill("alice's long text")
    expect_saved(page)
    flows.resume(waiting, {"approve": True, "reason": "done"})
    expect(page.get_by_text("It can no longer be answered")).to_be_visible()
    page.get_by_label("Reason", exact=True).press_sequentially(" goes on")
    expect(page.get_by_label("Reason", exact=True)).to_have_value("alice's long text goes on")
    page.wait_for_timeout(1200)  # longer than a save would wait
    page.reload()
    expect(page.get_by_role("heading", name="What you had typed")).to_be_visible()
    expect(page.get_by_text("alice's long text", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete it now").click()
    expect(page.get_by_role("heading", name="What you had typed")).to_have_count(0)


def test_a_page_that_cannot_save_says_so(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    page.route("**/draft/", lambda route: route.fulfill(status=413))
    page.get_by_label("Reason", exact=True).fill("a lot")
    expect(page.get_by_text("could not be saved as a draft")).to_be_visible()
    page.unroute("**/draft/")
    page.get_by_label("Reason", exact=True).fill("a little")
    expect_saved(page)
    expect(page.get_by_text("could not be saved as a draft")).to_be_hidden()


@pytest.mark.parametrize("button", ["Add Items", "Submit"])
def test_without_javascript_every_press_of_a_button_saves(
    flows: Flows, seat: Seat, button: str
) -> None:
    alice = seat("alice", java_script_enabled=False).log_in()
    page = alice.open(flows.pause(schema={**ITEMS, "required": ["items", "other"]}))
    page.get_by_label("Note").fill("typed before")
    path = alice.path
    page.get_by_role("button", name=button, exact=True).last.click()
    expect(page.get_by_label("Note")).to_have_value("typed before")
    page.goto("/")
    page.goto(path)
    expect(page.get_by_text("Welcome back")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("typed before")


@pytest.mark.parametrize("way", ["link", "close"])
def test_what_was_typed_in_the_last_second_is_saved_on_the_way_out(
    flows: Flows, alice: Reviewer, way: str
) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    path = alice.path
    # The usual save never comes through: only what leaves with the page is left
    page.route("**/draft/", _let_beacons_pass)
    page.get_by_label("Reason", exact=True).fill("half a novel")
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_label("Why do you reject it?").fill("or no receipt")
    page.get_by_role("link", name="History").click() if way == "link" else page.close()
    later = alice.context.new_page()
    later.goto("/history/")
    later.wait_for_function(
        "path => fetch(path).then((answer) => answer.text())"
        ".then((text) => text.includes('half a novel') && text.includes('or no receipt'))",
        arg=path,
        timeout=60_000,
    )


def _let_beacons_pass(route: Route) -> None:
    if route.request.resource_type == "ping":
        route.continue_()
    else:
        route.abort()
