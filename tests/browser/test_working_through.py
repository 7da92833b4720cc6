"""Many approvals, worked through by keys, by filters and beside a colleague."""

import re

import pytest
from playwright.sync_api import expect

from tests.barriers import find_barriers_by_scheme, find_overflow
from tests.browser.conftest import Seat
from tests.browser.desk import REFUND, Flows, Reviewer


def fill(flows: Flows, count: int) -> None:
    for number in range(count):
        flows.pause(
            "refund" if number % 2 else "deploy",
            schema=REFUND,
            question=f"# Do number {number}?\n\nA customer waits.",
            tags=["eu"] if number % 2 else ["us"],
            seconds=600 + number,
        )


def test_a_laptop_shows_fifteen_rows_and_keys_work_through_a_choice(
    flows: Flows, seat: Seat
) -> None:
    fill(flows, 18)
    alice = seat("alice", viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page, press = alice.log_in().open_inbox(), alice.page.keyboard.press
    expect(page.locator(".row")).to_have_count(18)
    boxes = [row.bounding_box() for row in page.locator(".row").all()]
    assert sum(box is not None and box["y"] + box["height"] <= 800 for box in boxes) >= 15
    page.get_by_label("Tag", exact=True).select_option("eu")
    expect(page).to_have_url(re.compile(r"\?tag=eu$"))
    expect(page.locator(".row")).to_have_count(9)
    page.get_by_label("By flow").check()
    expect(page.locator(".rows-flow")).to_have_text(["refund 9"])
    page.get_by_text("Save view").click()
    page.get_by_label("Name of this view").fill("jk/n Europe")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="jk/n Europe")).to_have_attribute("aria-current", "true")
    page.locator("main").focus()
    press("j")
    press("j")
    press("k")
    press("Enter")
    expect(page.get_by_role("heading", level=1, name="Do number 1?")).to_be_visible()
    expect(page).to_have_title("Do number 1? · Approvals")
    page.get_by_label("Yes").check()
    page.get_by_label("Reason", exact=True).fill("n/jk")
    press("Control+Enter")
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    press("n")
    expect(page.get_by_role("heading", level=1, name="Do number 3?")).to_be_visible()
    page.locator(".crumbs a").click()
    expect(page).to_have_url(re.compile(r"\?tag=eu&group=flow"))
    page.goto("/history/")
    press("j")
    expect(page.locator(".row-link").first).to_be_focused()
    press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.goto(f"/runs/flow-run/{flows.pause(schema=REFUND).id}")
    press("j")
    expect(page.locator(".next-card-waiting")).to_be_focused()
    press("/")
    expect(page.get_by_role("searchbox", name="Search what waits")).to_be_focused()
    page.get_by_role("button", name="Roomy").click()
    expect(page.locator(".rows-roomy")).to_be_visible()
    page.goto("/views/")
    faults = [*find_overflow(page), *find_barriers_by_scheme(page)]
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No views yet")).to_be_visible()
    assert faults == []


@pytest.mark.parametrize("address", ["/?group=flow&list=all", "/?tag=eu&sort=newest"])
def test_the_lists_have_no_barrier_and_fit_a_phone(flows: Flows, seat: Seat, address: str) -> None:
    fill(flows, 4)
    alice = seat("alice", viewport={"width": 320, "height": 640}, reduced_motion="reduce").log_in()
    alice.page.goto(address)
    faults = [*find_overflow(alice.page), *find_barriers_by_scheme(alice.page)]
    alice.page.set_viewport_size({"width": 1280, "height": 800})
    alice.page.get_by_text("Save view").click()
    assert [*faults, *find_barriers_by_scheme(alice.page)] == []


def test_two_read_of_each_other_and_nobody_is_locked_out(
    flows: Flows, alice: Reviewer, bob: Reviewer
) -> None:
    waiting = flows.pause(schema=REFUND)
    alice.open_inbox()
    bob.open(waiting)
    expect(alice.page.locator(".row-company")).to_have_text("bob is looking at this")
    alice.open(waiting)
    expect(alice.page.locator("#company")).to_have_text("bob is looking at this")
    expect(bob.page.locator("#company")).to_have_text("alice is looking at this")
    bob.page.get_by_label("Reason", exact=True).fill("still here")
    alice.page.get_by_label("Yes").check()
    alice.submit.click()
    expect(alice.page.get_by_role("heading", name="You answered this")).to_be_visible()
    expect(bob.page.get_by_text("alice answered this")).to_be_visible()
    expect(bob.page.locator("#company")).to_have_count(0)


def test_without_javascript_the_list_is_filtered_grouped_and_kept(flows: Flows, seat: Seat) -> None:
    fill(flows, 4)
    page = seat("alice", java_script_enabled=False).log_in().open_inbox()
    page.get_by_label("Tag", exact=True).select_option("eu")
    page.get_by_label("By flow").check()
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".row-link")).to_have_text(["Do number 1?", "Do number 3?"])
    page.get_by_text("Save view").click()
    page.get_by_label("Name of this view").fill("By hand")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="By hand")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Roomy").click()
    expect(page.locator(".rows-roomy")).to_be_visible()
    expect(page.locator(".row-link")).to_have_count(2)
    page.get_by_role("link", name="Do number 1?").click()
    page.locator(".crumbs a").click()
    expect(page.locator(".row-link")).to_have_count(2)
    page.goto("/views/")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No views yet")).to_be_visible()
