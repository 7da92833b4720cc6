"""Texts that a flow shows, longer and wider than a phone."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Seat
from tests.browser.desk import REFUND, Flows, Reviewer

PHONE = {"width": 390, "height": 800}
TABLE = "| Item | Price |\n|:--|--:|\n| Lamp | 9.90 |\n| Table | 1299.90 |\n\n"
CODE = "```python\n" + "\n".join(f"line {number}" for number in range(60)) + "\n```\n\n"
LONG = TABLE + "\n\n".join(f"Paragraph {number} of a report." for number in range(80))


@pytest.mark.parametrize("has_javascript", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("kind", ["markdown", "unknown"])
def test_a_long_artifact_folds_on_a_phone(
    flows: Flows, seat: Seat, kind: str, has_javascript: bool
) -> None:
    alice = seat("alice", viewport=PHONE, java_script_enabled=has_javascript).log_in()
    waiting = flows.pause(schema=REFUND)
    flows.show(waiting.id, kind, LONG, key="report")
    page = alice.open(waiting)
    text = page.locator(".artifact-text")
    assert text.evaluate("text => text.clientHeight < innerHeight")
    page.get_by_role("link", name="Show all of it").click()
    expect(page.get_by_role("link", name="Show all of it")).to_be_hidden()
    assert text.evaluate("text => text.clientHeight > 2 * innerHeight")


def test_a_computer_scrolls_a_long_artifact(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    flows.show(waiting.id, "markdown", LONG, key="report")
    page = alice.open(waiting)
    expect(page.get_by_role("link", name="Show all of it")).to_be_hidden()
    text = page.get_by_role("group", name="Report")
    text.focus()
    page.keyboard.press("End")
    expect(page.get_by_text("Paragraph 79")).to_be_in_viewport()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_text_keeps_its_distance_from_the_edge(flows: Flows, seat: Seat, width: int) -> None:
    alice = seat("alice", viewport={"width": width, "height": 800}).log_in()
    waiting = flows.pause(schema=REFUND)
    flows.show(waiting.id, "markdown", TABLE + CODE + "word " * 100, key="report")
    page = alice.open(waiting)
    text, card = (
        page.locator(".artifact-text").bounding_box(),
        page.locator(".artifact").bounding_box(),
    )
    assert text is not None
    assert card is not None
    left, right = text["x"] - card["x"], card["x"] + card["width"] - text["x"] - text["width"]
    assert abs(left - right) < 2
    price = page.get_by_role("cell", name="9.90", exact=True)
    expect(price).to_have_css("text-align", "right")


def test_keys_scroll_a_code_block(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND, question=CODE))
    block = page.locator("#asked pre")
    expect(block).to_have_attribute("tabindex", "0")
    block.focus()
    page.keyboard.press("End")
    expect(block).not_to_have_js_property("scrollTop", 0)


@pytest.mark.parametrize("path", ["/runs/flow-run/{id}", "/"])
def test_a_badge_fits_the_smallest_phone(flows: Flows, seat: Seat, path: str) -> None:
    alice = seat("alice", viewport={"width": 320, "height": 640}).log_in()
    waiting = flows.pause(schema=REFUND, name="n" * 60)
    flows.resume(waiting, {"approve": True, "reason": ""})
    flows.pause_again(waiting)
    alice.page.goto(path.format(id=waiting.id))
    badges = alice.page.locator("main .badge, .topbar .count")
    expect(badges.first).to_be_visible()
    for badge in badges.all():
        box = badge.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert badge.evaluate("badge => badge.scrollWidth <= badge.clientWidth")
