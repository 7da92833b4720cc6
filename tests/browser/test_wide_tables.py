"""Tables wider and longer than the screen, on a phone and a computer."""

import json

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.barriers import find_overflow
from tests.browser.conftest import Seat
from tests.browser.desk import REFUND, Flows, Reviewer, Waiting

SIZES: list[ViewportSize] = [{"width": 390, "height": 800}, {"width": 1280, "height": 720}]
SIZE_NAMES = ["phone", "computer"]
ROWS = [
    {"customer": f"Customer {n} " + "of a long name " * 9, **{f"column {k}": n for k in range(30)}}
    for n in range(150)
]


def open_table(flows: Flows, alice: Reviewer) -> tuple[Waiting, Page]:
    """Open a table the way a reviewer does, from the approval."""
    waiting = flows.pause(schema=REFUND)
    flows.show(waiting.id, "table", json.dumps(ROWS), key="sales")
    page = alice.open(waiting)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Show all 150 rows").click()
    return waiting, opened.value


def corner_of(cell: Locator) -> tuple[float, float]:
    box = cell.bounding_box()
    assert box is not None
    return round(box["x"]), round(box["y"])


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_head_and_first_column_stay_in_sight(flows: Flows, seat: Seat, size: ViewportSize) -> None:
    alice = seat("alice", viewport=size).log_in()
    _, page = open_table(flows, alice)
    box = page.get_by_role("region", name="Sales")
    head = page.get_by_role("columnheader").first
    first = page.get_by_role("row").nth(60).get_by_role("cell").first
    edge = corner_of(head)
    box.evaluate("box => box.scrollTo(900, 2000)")
    assert corner_of(head) == edge
    assert corner_of(first)[0] == edge[0]
    width = first.evaluate(
        "(cell, box) => cell.offsetWidth / box.clientWidth", box.element_handle()
    )
    assert width < 0.6  # the other columns have room beside it


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
def test_keys_reach_every_row_and_column(flows: Flows, seat: Seat, size: ViewportSize) -> None:
    alice = seat("alice", viewport=size).log_in()
    _, page = open_table(flows, alice)
    box = page.get_by_role("region", name="Sales")
    box.focus()
    page.keyboard.press("End")
    expect(page.get_by_text("Rows 1 to 100 of 150")).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(page.get_by_role("cell", name="Customer 0 ")).to_be_in_viewport()
    page.keyboard.press("ArrowRight")
    expect(box).not_to_have_js_property("scrollLeft", 0)
    page.get_by_role("link", name="After").click()
    expect(page.get_by_text("Rows 101 to 150 of 150")).to_be_attached()
    assert list(find_overflow(page)) == []


def test_a_table_leads_back_to_its_approval(flows: Flows, alice: Reviewer) -> None:
    _, page = open_table(flows, alice)
    page.get_by_role("link", name="After").click()
    page.get_by_role("link", name="The approval").click()
    expect(page).to_have_url(f"{alice.url}{alice.path}")
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()


def test_a_table_that_came_later_leads_back_too(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    flows.show(waiting.id, "table", json.dumps(ROWS), key="sales")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Show all 150 rows").click()
    expect(opened.value.get_by_role("link", name="The approval")).to_be_visible()


def test_from_the_run_a_table_leads_back_to_the_run(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause()
    flows.show(waiting.id, "table", json.dumps(ROWS), key="sales")
    alice.page.goto(f"/runs/flow-run/{waiting.id}")
    with alice.page.expect_popup() as opened:
        alice.page.get_by_role("link", name="Show all 150 rows").click()
    opened.value.get_by_role("link", name="The run").click()
    expect(opened.value).to_have_url(f"{alice.url}/runs/flow-run/{waiting.id}")


def test_columns_that_are_left_out_have_a_way_to_them(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    flows.show(waiting.id, "table", json.dumps({f"c{n}": [n] for n in range(60)}), key="wide")
    page = alice.open(waiting)
    expect(page.get_by_text("without 20 more columns")).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Show the whole table").click()
    with opened.value.expect_popup() as text:
        opened.value.get_by_role("link", name="Open all of it as plain text").click()
    expect(text.value.get_by_text('"c59"')).to_be_visible()
