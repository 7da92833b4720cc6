"""Focus, announcements and errors of a form in use, with keys alone and without JavaScript."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Seat
from tests.browser.desk import Flows, Reviewer

ORDER = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer", "title": "Amount"},
        "lines": {"type": "array", "items": {"type": "string"}, "title": "Lines", "default": []},
        "address": {
            "title": "Address",
            "anyOf": [
                {"type": "object", "title": "Street", "properties": {"s": {"type": "string"}}},
                {"type": "integer", "title": "Box number"},
            ],
        },
        "due": {"type": "string", "format": "date", "title": "Due"},
        "note": {"type": "string", "title": "Note", "default": ""},
    },
    "required": ["amount", "address", "due"],
}


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def reader(request: pytest.FixtureRequest, seat: Seat) -> Reviewer:
    return seat("alice", java_script_enabled=request.param).log_in()


def press_key(page: Page, button: str) -> None:
    """Press a button with the keyboard, and wait for what it changes."""
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name=button, exact=True).last.press("Enter")


def test_rows_are_added_moved_and_removed_with_keys_alone(flows: Flows, reader: Reviewer) -> None:
    page = reader.open(flows.pause(schema=ORDER))
    for number, text in enumerate(["one", "two", "three"], 1):
        press_key(page, "Add Lines")
        expect(page.get_by_label(f"Lines {number}", exact=True)).to_be_focused()
        page.keyboard.type(text)
    press_key(page, "Move up Lines 3")
    expect(page.get_by_role("button", name="Move up Lines 2")).to_be_focused()
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Move down Lines 1")).to_be_focused()
    expect(page.locator("#answer-status")).to_have_text("Entry moved to place 1")
    expect(page.get_by_label("Lines 1", exact=True)).to_have_value("three")
    press_key(page, "Remove Lines 2")
    expect(page.get_by_label("Lines 2", exact=True)).to_be_focused()
    expect(page.locator("#answer-status")).to_have_text("Entry 2 removed, 2 left")
    expect(page.get_by_label("Lines 2", exact=True)).to_have_value("two")


def test_a_branch_comes_back_with_what_was_typed_there(flows: Flows, reader: Reviewer) -> None:
    page = reader.open(flows.pause(schema=ORDER))
    page.get_by_label("Amount").fill("a lot")
    press_key(page, "Street")
    expect(page.get_by_role("button", name="Street")).to_be_focused()
    page.get_by_label("S", exact=True).fill("Elm Street")
    press_key(page, "Box number")
    expect(page.locator("#answer-status")).to_have_text("Box number chosen")
    expect(page.get_by_role("button", name="Box number")).to_be_focused()
    expect(page.get_by_label("S", exact=True)).to_have_count(0)
    press_key(page, "Street")
    expect(page.get_by_label("S", exact=True)).to_have_value("Elm Street")
    expect(page.get_by_label("Amount")).to_have_value("a lot")


def test_errors_take_the_focus_are_counted_and_lead_to_their_field(
    flows: Flows, reader: Reviewer
) -> None:
    page = reader.open(flows.pause(schema=ORDER))
    page.get_by_label("Amount").fill("a lot")
    page.get_by_label("Note").fill("keep me")
    page.get_by_role("button", name="Submit", exact=True).last.press("Enter")
    summary = page.locator("#answer-problems")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^3 problems: refund"))
    expect(summary.get_by_role("link")).to_have_count(3)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Amount")).to_be_focused()
    expect(page.get_by_label("Amount")).to_have_value("a lot")
    expect(page.get_by_label("Note")).to_have_value("keep me")
    page.get_by_label("Amount").fill("3")
    press_key(page, "Box number")
    expect(page).to_have_title(re.compile("^1 problem: refund"))
    expect(summary.get_by_role("link")).to_have_text(["Due: Enter a date."])
    expect(page.get_by_role("button", name="Box number")).to_be_focused()


def test_what_is_typed_while_a_button_works_is_not_lost(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=ORDER)
    page = alice.open(waiting)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/approvals/*/", hold)
    page.get_by_role("button", name="Add Lines").click()
    page.get_by_label("Note").click()
    page.keyboard.type("typed meanwhile")
    page.get_by_label("Note").press("ArrowLeft")
    held[0].continue_()
    expect(page.get_by_label("Lines 1", exact=True)).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("typed meanwhile")
    expect(page.get_by_label("Note")).to_be_focused()
    page.keyboard.type("!")
    expect(page.get_by_label("Note")).to_have_value("typed meanwhil!e")


def test_what_takes_the_focus_on_a_phone_is_not_under_the_buttons(flows: Flows, seat: Seat) -> None:
    alice = seat("alice", viewport={"width": 390, "height": 700}).log_in()
    many = {f"f{number}": {"type": "string", "default": ""} for number in range(12)}
    page = alice.open(flows.pause(schema={"type": "object", "properties": many}))
    bar = page.locator("#decision-bar")
    for number in range(12):
        page.keyboard.press("Tab")
        while not page.evaluate("document.activeElement.closest('#answer-fields') !== null"):
            page.keyboard.press("Tab")
        field = page.locator(f"#f-{number}").bounding_box()
        top = bar.bounding_box()
        assert field is not None
        assert top is not None
        assert field["y"] + field["height"] <= top["y"] + 1 or number == 11
