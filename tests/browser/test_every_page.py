from collections.abc import Callable

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.barriers import find_barriers_by_scheme, find_overflow
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


# Looked at for barriers at a phone's width too.
PHONE_PAGES = [
    open_inbox,
    open_changed_questions,
    open_kept_file,
    open_artifacts,
    open_branches,
]

LOOKS: list[tuple[str, ViewportSize]] = [
    ("computer", {"width": 1280, "height": 720}),
    ("phone", {"width": 390, "height": 800}),
]

# Enough groups that four workers share them, and few enough to start few browsers.
_IN_GROUPS = [
    pytest.param(opening, marks=pytest.mark.xdist_group(f"browser-page-{number % 4}"))
    for number, opening in enumerate(PAGES)
]


@pytest.mark.parametrize("opening", _IN_GROUPS, ids=[opening.__name__ for opening in PAGES])
def test_a_page_fits_a_small_phone_and_has_no_barrier(
    flows: Flows, seat: Seat, opening: Opening
) -> None:
    """Opened at 320 px; then looked at wider, light and dark. Every fault is named."""
    small = {"width": 320, "height": 640}
    alice = seat("alice", viewport=small, reduced_motion="reduce").log_in()
    opening(flows, alice)
    faults = list(find_overflow(alice.page))
    for look, size in LOOKS if opening in PHONE_PAGES else LOOKS[:1]:
        alice.page.set_viewport_size(size)
        faults += [f"on a {look}, {fault}" for fault in find_barriers_by_scheme(alice.page)]
    assert faults == []


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
