import re

from playwright.sync_api import Route, expect

from tests.browser.desk import REFUND, Flows, Reviewer


def test_the_list_changes_by_itself_and_leaves_the_reader_alone(
    flows: Flows, alice: Reviewer, bob: Reviewer
) -> None:
    page = alice.page
    flows.clear()
    page.goto("/")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    first = flows.pause("first", schema=REFUND)
    expect(page.get_by_role("link", name="first")).to_be_visible()
    expect(page).to_have_title("(1) Inbox · Approvals")
    expect(page.locator("#announcer")).to_have_text("One approval waits")
    page.get_by_role("link", name="first").focus()
    flows.pause("second", seconds=30)
    expect(page.locator(".row-link")).to_have_text(["second", "first"])
    expect(page.get_by_role("link", name="first")).to_be_focused()
    expect(page.locator("#waiting-count")).to_contain_text("2")
    bob.open(first)
    bob.page.get_by_label("Yes").check()
    bob.submit.click()
    expect(page.locator(".row-link")).to_have_text(["second"])
    expect(page).to_have_title("(1) Inbox · Approvals")


def test_one_that_expires_leaves_the_list(flows: Flows, alice: Reviewer) -> None:
    flows.pause("brief", seconds=3)
    page = alice.open_inbox()
    expect(page.get_by_role("link", name="brief")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible(timeout=15_000)


def test_the_number_is_true_on_other_pages_too(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/history/")
    expect(alice.page.locator("#waiting-count")).to_contain_text("0")
    flows.pause()
    expect(alice.page.locator("#waiting-count")).to_contain_text("1")


def test_a_search_narrows_while_typing_and_survives_a_reload(flows: Flows, alice: Reviewer) -> None:
    flows.pause("refund", schema=REFUND, tags=["finance"])
    flows.pause("promote-model")
    page = alice.open_inbox()
    page.get_by_role("searchbox").fill("finance")
    expect(page.locator(".row-link")).to_have_text(["refund"])
    expect(page).to_have_url(re.compile(r"\?q=finance$"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.reload()
    expect(page.locator(".row-link")).to_have_text(["refund"])
    page.get_by_role("searchbox").fill("nowhere-to-be-found")
    expect(page.get_by_text("Nothing that waits matches “nowhere-to-be-found”")).to_be_visible()


def test_a_slow_poll_does_not_undo_a_search(flows: Flows, alice: Reviewer) -> None:
    flows.pause("refund", tags=["finance"])
    flows.pause("promote-model")
    page = alice.open_inbox()
    expect(page.locator(".row-link")).to_have_count(2)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile("/inbox/list/.*mark="), hold)
    with page.expect_request(re.compile("/inbox/list/.*mark=")):
        flows.pause("third")
    with page.expect_event("requestfailed", lambda request: "mark=" in request.url):
        page.get_by_role("searchbox").fill("finance")
    expect(page.locator(".row-link")).to_have_text(["refund"])
    assert held


def test_a_selection_is_not_torn_away(flows: Flows, alice: Reviewer) -> None:
    flows.pause("first", schema=REFUND)
    page = alice.open_inbox()
    question = page.get_by_text("Refund 2.50 EUR?")
    question.select_text()
    with page.expect_response(lambda response: "/inbox/list/" in response.url and response.ok):
        flows.pause("second")
    assert page.evaluate("getSelection().toString()") == "Refund 2.50 EUR?"
    page.evaluate("getSelection().removeAllRanges()")
    expect(page.locator(".row-link")).to_have_count(2)
