from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.conftest import Seat
from tests.browser.desk import Flows, Reviewer
from tests.browser.openings import (
    PAGES,
    open_artifacts,
    open_branches,
    open_changed_questions,
    open_inbox,
    open_kept_file,
)

type Opening = Callable[[Flows, Reviewer], None]


@pytest.mark.parametrize("opening", PAGES, ids=lambda opening: opening.__name__)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_has_no_barrier(
    flows: Flows, seat: Seat, opening: Opening, scheme: Literal["light", "dark"]
) -> None:
    alice = seat("alice", color_scheme=scheme, reduced_motion="reduce").log_in()
    opening(flows, alice)
    results = Axe().run(alice.page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize(
    "opening", [open_inbox, open_changed_questions, open_kept_file, open_artifacts, open_branches]
)
def test_a_page_has_no_barrier_on_a_phone(flows: Flows, seat: Seat, opening: Opening) -> None:
    phone = {"width": 390, "height": 800}
    alice = seat("alice", viewport=phone, reduced_motion="reduce").log_in()
    opening(flows, alice)
    results = Axe().run(alice.page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("opening", PAGES, ids=lambda opening: opening.__name__)
def test_a_page_fits_a_small_phone(flows: Flows, seat: Seat, opening: Opening) -> None:
    alice = seat("alice", viewport={"width": 320, "height": 640}).log_in()
    opening(flows, alice)
    assert overflow(alice.page) <= 0


def overflow(page: Page) -> int:
    wide: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wide


def test_the_theme_can_be_chosen_and_stays(flows: Flows, alice: Reviewer) -> None:
    alice.page.goto("/")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    before = alice.page.evaluate(background)
    alice.page.get_by_role("button", name="Light or dark").click()
    after = alice.page.evaluate(background)
    assert before != after
    alice.page.reload()
    assert alice.page.evaluate(background) == after


def test_the_admin_works_under_the_strict_policy(flows: Flows, seat: Seat) -> None:
    page = seat("root").log_in().page
    page.goto("/admin/flowruns/apikey/")
    expect(page.get_by_role("link", name="local")).to_be_visible()
    assert "digest" not in page.content()
    page.goto("/admin/approvals/approval/")
    expect(page.get_by_role("heading", name="Select approval to view")).to_be_visible()


def test_every_field_of_a_branch_says_what_it_is(flows: Flows, alice: Reviewer) -> None:
    open_branches(flows, alice)
    box = alice.page.locator("label", has_text="Column").bounding_box()
    assert box is not None
    assert box["width"] > 20


def test_much_to_look_at_lies_beside_the_answer_on_a_wide_screen(flows: Flows, seat: Seat) -> None:
    alice = seat("alice", viewport={"width": 1280, "height": 800}).log_in()
    open_artifacts(flows, alice)
    report = alice.page.locator(".artifact-text p").first.bounding_box()
    alice.page.mouse.wheel(0, 600)
    alice.page.get_by_text("The ticket").scroll_into_view_if_needed()
    expect(alice.submit).to_be_in_viewport()
    answer = alice.page.locator("form#answer").bounding_box()
    assert report is not None
    assert answer is not None
    assert report["width"] > 200  # a text, not a column of letters
    assert answer["x"] > report["x"] + report["width"]
