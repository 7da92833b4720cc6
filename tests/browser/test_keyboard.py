import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Seat
from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer


def test_an_approval_is_found_and_answered_with_keys_alone(flows: Flows, alice: Reviewer) -> None:
    flows.pause("first", seconds=60)
    waiting = flows.pause("second", schema=REFUND, seconds=600)
    page, press = alice.page, alice.page.keyboard.press
    page.goto("/")
    press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press("Enter")
    expect(page.locator("main")).to_be_focused()
    press("j")
    expect(page.get_by_role("link", name="first")).to_be_focused()
    press("j")
    expect(page.get_by_role("link", name="second")).to_be_focused()
    press("k")
    expect(page.get_by_role("link", name="first")).to_be_focused()
    press("j")
    press("Enter")
    expect(page.get_by_role("heading", level=1, name="second")).to_be_visible()
    while not page.get_by_label("Yes").evaluate("control => control === document.activeElement"):
        press("Tab")
    press("Space")
    press("Tab")
    page.keyboard.type("jk/ are letters here")
    press("Tab")
    expect(page.get_by_role("button", name="Reject", exact=True)).to_be_focused()
    press("Tab")
    expect(alice.submit).to_be_focused()
    press("Enter")
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"approve": True, "reason": "jk/ are letters here"}


def test_a_slash_searches_and_letters_stay_letters(flows: Flows, alice: Reviewer) -> None:
    flows.pause("first")
    page = alice.page
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("jk")
    expect(page.get_by_role("searchbox")).to_have_value("jk")


def test_what_has_the_focus_is_seen(flows: Flows, alice: Reviewer) -> None:
    flows.pause("first")
    page = alice.page
    page.goto("/")
    page.keyboard.press("j")
    style = "element => getComputedStyle(element).outlineStyle"
    assert page.locator(".row").evaluate(style) == "solid"
    page.get_by_role("link", name="History").focus()
    assert page.get_by_role("link", name="History").evaluate(style) != "none"


def test_escape_closes_the_account_menu(flows: Flows, alice: Reviewer) -> None:
    page = alice.open_inbox()
    page.locator("#account-menu summary").press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(page.locator("#account-menu summary")).to_be_focused()


LINES = {
    "properties": {
        "who": {"type": "string", "title": "Who"},
        "amount": {"type": "number", "title": "Amount"},
        "pay": {"type": "boolean", "title": "Pay"},
        "due": {"type": "string", "format": "date", "title": "Due"},
        "note": {"type": "string", "title": "Note", "default": ""},
    },
    "required": ["who", "amount", "pay", "due"],
}


def test_enter_in_a_line_goes_on_to_the_next_field_and_sends_nothing(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=LINES)
    page, press = alice.open(waiting), alice.page.keyboard.press
    posts = count_posts(alice)
    page.get_by_label("Who").fill("alice")
    press("Enter")
    expect(page.get_by_label("Amount")).to_be_focused()
    page.keyboard.type("7")
    press("Enter")
    expect(page.get_by_label("Yes")).to_be_focused()
    press("Space")
    press("Enter")
    expect(page.get_by_label("Due")).to_be_focused()
    page.get_by_label("Due").fill("2026-12-24")
    press("Enter")
    expect(page.get_by_label("Note")).to_be_focused()
    page.get_by_label("Note").fill("done")
    assert posts == []
    press("Control+Enter")
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    answer = {"who": "alice", "amount": 7, "pay": True, "due": "2026-12-24", "note": "done"}
    assert waiting.answer == answer


def count_posts(alice: Reviewer) -> list[str]:
    """Collect where her page sends what was filled in, drafts left out."""
    posts: list[str] = []

    def note(method: str, url: str) -> None:
        if method == "POST" and not url.endswith("/draft/"):
            posts.append(url)

    alice.context.on("request", lambda request: note(request.method, request.url))
    return posts


@pytest.mark.parametrize(
    ("schema", "line"),
    [(LINES, "Who"), (ITEMS, "Note")],
    ids=["a form without buttons", "a form with buttons"],
)
def test_without_javascript_enter_in_a_line_sends_nothing_either(
    flows: Flows, seat: Seat, schema: object, line: str
) -> None:
    alice = seat("alice", java_script_enabled=False).log_in()
    page = alice.open(flows.pause(schema=schema))
    posts = count_posts(alice)
    page.get_by_label(line).fill("alice")
    page.get_by_label(line).press("Enter")
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert posts == []


@pytest.mark.parametrize("key", ["Control+Enter", "Meta+Enter"])
@pytest.mark.parametrize("place", ["Add Items", "Note"])
def test_control_and_enter_send_from_anywhere_in_the_form(
    flows: Flows, alice: Reviewer, key: str, place: str
) -> None:
    waiting = flows.pause(schema=ITEMS)
    page = alice.open(waiting)
    page.get_by_role("button", name="Add Items").click()
    page.get_by_label("Items 1", exact=True).fill("one")
    role = page.get_by_role("button", name=place) if place != "Note" else page.get_by_label(place)
    role.press(key)
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"items": ["one"], "note": ""}


def test_escape_closes_reject_and_control_enter_sends_it(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    reject = page.locator("#reject-box > summary")
    reject.press("Enter")
    why = page.get_by_label("Why do you reject it?")
    expect(why).to_be_focused()
    why.fill("No receipt")
    why.press("Escape")
    expect(why).to_be_hidden()
    expect(reject).to_be_focused()
    reject.press("Enter")
    expect(why).to_have_value("No receipt")
    why.press("Control+Enter")
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()
    assert waiting.state["message"] == "Rejected by alice: No receipt"


def test_after_a_decision_the_confirmation_has_the_focus_and_a_key_opens_the_next(
    flows: Flows, alice: Reviewer
) -> None:
    first = flows.pause("first", seconds=60)
    flows.pause("second", schema=REFUND, seconds=600)
    page = alice.open(first)
    page.get_by_role("button", name="Approve", exact=True).press("Control+Enter")
    expect(page.get_by_text("Your answer is on its way")).to_be_visible()
    expect(page.locator(".messages > .notice")).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", level=1, name="second")).to_be_visible()
