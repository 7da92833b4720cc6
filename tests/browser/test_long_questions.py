"""A long question on a phone, with JavaScript and without."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Seat
from tests.browser.desk import REFUND, Flows, Reviewer

LONG = "\n\n".join(f"Paragraph {number} of a long story about an order." for number in range(80))
PHONE = {"width": 390, "height": 800}


@pytest.mark.parametrize("has_javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_long_question_folds_on_a_phone_with_a_way_to_the_answer(
    flows: Flows, seat: Seat, has_javascript: bool
) -> None:
    alice = seat("alice", viewport=PHONE, java_script_enabled=has_javascript).log_in()
    page = alice.open(flows.pause(schema=REFUND, question=LONG))
    asked = page.locator("#asked")
    folded = asked.bounding_box()
    assert folded is not None
    assert folded["height"] < PHONE["height"]
    page.get_by_role("link", name="To the answer").click()
    expect(page.get_by_label("Yes")).to_be_in_viewport()
    page.get_by_role("link", name="Show all of it").click()
    expect(page.get_by_role("link", name="Show all of it")).to_be_hidden()
    whole = asked.bounding_box()
    assert whole is not None
    assert whole["height"] > 2 * PHONE["height"]


def test_a_wide_screen_shows_all_of_a_long_question(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND, question=LONG))
    expect(page.get_by_role("link", name="Show all of it")).to_be_hidden()
    expect(page.get_by_role("link", name="To the answer")).to_be_hidden()
    whole = page.locator("#asked").bounding_box()
    assert whole is not None
    assert whole["height"] > 1600
