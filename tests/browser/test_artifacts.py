import json

from playwright.sync_api import expect

from tests.barriers import find_overflow
from tests.browser.conftest import Seat
from tests.browser.desk import REFUND, Flows, Reviewer


def test_progress_moves_while_the_page_is_open_and_what_was_typed_stays(
    flows: Flows, alice: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    progress = flows.show(waiting.id, "progress", 20, key="backfill")
    page = alice.open(waiting)
    bar = page.get_by_role("progressbar", name="Backfill")
    expect(bar).to_have_attribute("value", "20.0")
    page.get_by_label("Reason").fill("half typed")
    flows.update_artifact(progress, 80)
    expect(bar).to_have_attribute("value", "80.0")
    expect(page.get_by_text("80 %")).to_be_visible()
    flows.update_artifact(progress, 100)
    expect(bar).to_have_attribute("value", "100.0")
    expect(page.get_by_label("Reason")).to_have_value("half typed")


def test_what_a_flow_shows_later_comes_to_the_open_page(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    flows.show(waiting.id, "markdown", "First **numbers**", key="report")
    expect(page.get_by_text("First numbers")).to_be_visible()
    flows.show(waiting.id, "markdown", "Second numbers", key="report")
    expect(page.get_by_text("Second numbers")).to_be_visible()
    expect(page.get_by_text("First numbers")).to_have_count(0)


def test_a_long_table_is_read_page_by_page_without_javascript(flows: Flows, seat: Seat) -> None:
    alice = seat("alice", java_script_enabled=False).log_in()
    waiting = flows.pause(schema=REFUND)
    rows = [{"n": number} for number in range(250)]
    flows.show(waiting.id, "table", json.dumps(rows), key="orders")
    page = alice.open(waiting)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Show all 250 rows").click()
    table = opened.value
    expect(table.get_by_role("row")).to_have_count(101)
    table.get_by_role("link", name="After").click()
    table.get_by_role("link", name="After").click()
    expect(table.get_by_text("Rows 201 to 250 of 250")).to_be_visible()


def test_a_wide_table_scrolls_in_its_own_box(flows: Flows, seat: Seat) -> None:
    alice = seat("alice", viewport={"width": 320, "height": 640}).log_in()
    waiting = flows.pause(schema=REFUND)
    flows.show(waiting.id, "table", json.dumps({f"column {n}": [n] for n in range(30)}), key="wide")
    page = alice.open(waiting)
    box = page.get_by_role("region", name="Wide")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert list(find_overflow(page)) == []
    box.focus()
    page.keyboard.press("ArrowRight")
    expect(box).not_to_have_js_property("scrollLeft", 0)
