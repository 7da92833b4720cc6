from playwright.sync_api import expect

from tests.browser.desk import REFUND, Flows, Reviewer, here_and_elsewhere


@here_and_elsewhere
def test_a_page_says_by_itself_who_was_first_and_keeps_the_text(
    flows: Flows, alice: Reviewer, bob: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    alice.open(waiting)
    alice.page.get_by_label("Reason").fill("alice's long text")
    alice.page.get_by_label("Reason").focus()
    bob.open(waiting)
    bob.page.get_by_label("No").check()
    bob.page.get_by_label("Reason").fill("no receipt")
    bob.submit.click()
    expect(bob.page.get_by_role("heading", name="You answered this")).to_be_visible()
    expect(alice.page.get_by_text("bob answered this")).to_be_visible()
    expect(alice.page.get_by_text("no receipt")).to_be_visible()
    expect(alice.page.locator("#outcome")).to_have_text("Answered")
    expect(alice.page.get_by_label("Reason")).to_have_value("alice's long text")
    expect(alice.page.get_by_label("Reason")).to_be_focused()
    expect(alice.submit).to_have_count(0)


@here_and_elsewhere
def test_of_two_that_submit_at_once_the_second_is_told_and_keeps_the_text(
    flows: Flows, alice: Reviewer, bob: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    # She is faster than the news
    alice.page.route("**/state/*", lambda route: route.fulfill(status=204))
    alice.open(waiting)
    alice.page.get_by_label("Yes").check()
    alice.page.get_by_label("Reason").fill("alice's long text")
    bob.open(waiting)
    bob.page.get_by_label("No").check()
    bob.submit.click()
    expect(bob.page.get_by_role("heading", name="You answered this")).to_be_visible()
    alice.submit.click()
    expect(alice.page.get_by_role("heading", name="bob was first")).to_be_visible()
    expect(alice.page.get_by_text("alice's long text")).to_be_visible()
    assert waiting.answer == {"approve": False, "reason": ""}


def test_an_approval_that_expires_while_looking_says_so_and_keeps_the_text(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND, seconds=4)
    page = alice.open(waiting)
    page.get_by_label("Reason").fill("still thinking")
    expect(page.get_by_text("The time to answer has run out")).to_be_visible(timeout=15_000)
    expect(page.get_by_label("Reason")).to_have_value("still thinking")
    expect(alice.submit).to_have_count(0)
    assert waiting.state["type"] == "FAILED"


def test_ones_own_second_tab_says_so_and_keeps_no_banner_that_is_not_true_any_more(
    flows: Flows, alice: Reviewer
) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    page.get_by_label("Reason", exact=True).fill("half a novel")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Welcome back")).to_be_visible()
    alice.submit.click()
    expect(page.get_by_text("One answer needs another look")).to_be_visible()
    other = alice.context.new_page()
    other.goto(alice.path)
    other.get_by_label("Yes").check()
    other.locator("form#answer .primary").click()
    expect(other.get_by_role("heading", name="You answered this")).to_be_visible()
    expect(page.get_by_text("You answered this in another tab just now.")).to_be_visible()
    expect(page.get_by_text("Welcome back")).to_be_hidden()
    expect(page.get_by_text("One answer needs another look")).to_be_hidden()
    expect(page.locator("main .notice")).to_have_count(1)
    expect(page.get_by_label("Reason", exact=True)).to_have_value("half a novel")


def test_a_banner_about_the_flow_goes_when_the_approval_ends(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    flows.lose(waiting)
    page = alice.open(waiting)
    expect(page.get_by_text("is not there at the moment")).to_be_visible()
    flows.resume(waiting, {"approve": True, "reason": ""})
    expect(page.get_by_text("It can no longer be answered")).to_be_visible()
    expect(page.get_by_text("is not there at the moment")).to_be_hidden()


def test_a_press_in_ones_own_second_tab_tells_where_it_was_answered(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    alice.page.route("**/state/*", lambda route: route.fulfill(status=204))
    page = alice.open(waiting)
    other = alice.context.new_page()
    other.goto(alice.path)
    other.get_by_label("No", exact=True).check()
    other.locator("form#answer .primary").click()
    expect(other.get_by_role("heading", name="You answered this")).to_be_visible()
    page.get_by_label("Yes").check()
    alice.submit.click()
    expect(page.get_by_text("You answered this in another tab. Nothing was sent")).to_be_visible()
    assert waiting.answer == {"approve": False, "reason": ""}
