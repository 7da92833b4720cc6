from playwright.sync_api import expect

from tests.browser.desk import REFUND, Flows, Reviewer


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
    page = alice.page
    page.locator("#account-menu summary").press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    expect(page.locator("#account-menu summary")).to_be_focused()
