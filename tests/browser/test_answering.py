from playwright.sync_api import expect

from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer, here_and_elsewhere


@here_and_elsewhere
def test_an_answer_reaches_the_flow_and_the_next_one_is_offered(
    flows: Flows, alice: Reviewer
) -> None:
    refund = flows.pause(schema=REFUND, seconds=60)
    flows.pause("promote-model", schema=ITEMS, seconds=600)
    page = alice.open_inbox()
    page.get_by_role("link", name="refund").click()
    expect(page.get_by_text("2.50 EUR")).to_be_visible()
    page.get_by_label("Yes").check()
    page.get_by_label("Reason").fill("A good customer")
    alice.submit.click()
    expect(page.get_by_text("Your answer is on its way")).to_be_visible()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert refund.answer == {"approve": True, "reason": "A good customer"}
    assert refund.state["type"] == "RUNNING"
    page.get_by_role("link", name="promote-model").click()
    expect(page.get_by_role("heading", level=1, name="promote-model")).to_be_visible()


@here_and_elsewhere
def test_where_nothing_is_asked_one_press_approves(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause("nightly-load")
    alice.open(waiting)
    button = alice.page.locator("form#answer").get_by_role("button", name="Approve", exact=True)
    button.click()
    expect(alice.page.get_by_role("heading", name="You approved this")).to_be_visible()
    assert waiting.state["type"] == "RUNNING"


@here_and_elsewhere
def test_a_rejection_asks_for_a_reason_and_cancels_the_run(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Reason", exact=True).fill("half an answer")
    page.get_by_role("button", name="Reject", exact=True).click()
    why = page.get_by_label("Why do you reject it?")
    expect(why).to_be_focused()
    page.get_by_role("button", name="Reject with this reason").click()
    expect(why).to_be_focused()  # the browser asks for the missing reason
    why.fill("No receipt")
    page.get_by_role("button", name="Reject with this reason").click()
    expect(page.get_by_role("heading", name="You rejected this")).to_be_visible()
    assert waiting.state["name"] == "Rejected"
    assert waiting.state["message"] == "Rejected by alice: No receipt"


@here_and_elsewhere
def test_a_wrong_answer_is_explained_and_kept(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    page.get_by_label("Reason").fill("my words")
    alice.submit.click()
    expect(page.get_by_role("heading", name="One answer needs another look")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("my words")


@here_and_elsewhere
def test_rows_are_added_in_place_and_the_rest_stays(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=ITEMS)
    page = alice.open(waiting)
    page.get_by_label("Note").fill("typed before")
    page.evaluate("window.isSamePage = true")
    for number, text in enumerate(["one", "two"], 1):
        page.get_by_role("button", name="Add Items").click()
        expect(page.get_by_label(f"Items {number}", exact=True)).to_be_focused()
        page.keyboard.type(text)
    expect(page.locator("#answer-status")).to_have_text("Entry 2 added")
    expect(page.get_by_label("Note")).to_have_value("typed before")
    assert page.evaluate("window.isSamePage")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"items": ["one", "two"], "note": "typed before"}


@here_and_elsewhere
def test_a_double_click_and_the_back_button_decide_once(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Yes").check()
    alice.submit.dblclick()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    first = waiting.state
    page.go_back()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    expect(page.locator("form#answer")).to_have_count(0)
    page.reload()
    assert waiting.state == first


def test_a_form_that_arrives_late_appears_by_itself(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema={})
    page = alice.open(waiting)
    expect(page.get_by_text("The form is arriving")).to_be_visible()
    flows.put(waiting.id, "p-schema", REFUND)
    expect(alice.submit).to_be_visible()


def test_a_description_that_arrives_late_appears_beside_what_is_typed(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema={}, question="")
    flows.put(waiting.id, "p-schema", REFUND)
    page = alice.open(waiting)
    page.get_by_label("Reason").fill("half a novel")
    flows.replace_input(waiting.id, "p-description", "Refund **2.50 EUR**?")
    expect(page.get_by_text("2.50 EUR")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("half a novel")
    expect(page.get_by_label("Reason")).to_be_focused()
