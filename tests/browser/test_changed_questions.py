from playwright.sync_api import expect

from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer


def test_questions_that_change_meanwhile_are_shown_with_what_still_fits(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=ITEMS)
    page = alice.open(waiting)
    page.get_by_label("Note").fill("my words")
    flows.replace_schema(
        waiting.id,
        {
            "type": "object",
            "properties": {
                "amount": {"type": "integer", "title": "Amount"},
                **ITEMS["properties"],  # type: ignore[dict-item]
            },
            "required": ["amount"],
        },
    )
    page.get_by_role("button", name="Add Items").click()
    expect(page.get_by_text("The flow has changed its questions")).to_be_visible()
    expect(page.get_by_label("Note")).to_have_value("my words")
    page.get_by_label("Amount").fill("3")
    page.get_by_label("Items 1", exact=True).fill("one")  # the row that was asked for
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert waiting.answer == {"amount": 3, "items": ["one"], "note": "my words"}


def test_an_earlier_answer_is_filled_in_with_one_press(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    flows.resume(waiting, {"approve": True, "reason": "It is fine"})
    flows.pause_again(waiting)
    page = alice.open(waiting)
    expect(page.get_by_label("Reason", exact=True)).to_have_value("")
    page.get_by_role("button", name="Fill in that answer").click()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("It is fine")
    expect(page.get_by_label("Yes")).to_be_checked()
    page.get_by_label("Reason", exact=True).fill("It is fine, really")
    alice.submit.click()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    assert flows.read(waiting.id)["state"]["type"] == "RUNNING"
