"""A deadline is a plain time until its last tenth, ten minutes at most; then it counts down."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Seat
from tests.browser.desk import REFUND, Flows

URGENT = re.compile(r"\bleft-now\b")
SAID_ALOUD = "[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]"


def is_said_aloud(words: Locator) -> bool:
    return bool(words.evaluate("(element, live) => element.closest(live) !== null", SAID_ALOUD))


def let_pass(page: Page, minutes: int) -> None:
    """Put the browser's clock forward."""
    page.evaluate("ms => { const now = Date.now; Date.now = () => now() + ms; }", minutes * 60_000)


@pytest.mark.parametrize(
    ("seconds", "quiet_minutes", "loud_minutes"),
    [(2 * 3600, 109, 2), (20 * 60, 17, 2)],
    ids=["ten minutes of two hours", "a tenth of twenty minutes"],
)
def test_a_deadline_is_quiet_until_it_matters(
    flows: Flows, seat: Seat, seconds: int, quiet_minutes: int, loud_minutes: int
) -> None:
    flows.pause(schema=REFUND, seconds=seconds)
    alice = seat("alice", timezone_id="Asia/Tokyo").log_in()
    page = alice.page
    page.goto("/")
    page.get_by_role("link", name="refund").click()
    box = page.locator("#decision-bar .left")
    plain = re.compile(r"^until (\d+ \w{3}, )?\d\d:\d\d$")
    expect(box.locator("time")).to_have_text(plain)
    expect(box.locator("time")).to_have_attribute("title", re.compile(r"\(JST\)"))
    let_pass(page, quiet_minutes)
    expect(box.locator("time")).to_have_text(plain)
    expect(box).not_to_have_class(URGENT)
    let_pass(page, loud_minutes)
    expect(box.locator("time")).to_have_text(
        re.compile(r"^((\d minutes? )?\d+ seconds?|\d minutes?) left$")
    )
    expect(box).to_have_class(URGENT)
    assert not is_said_aloud(box)


def test_the_inbox_is_as_quiet(flows: Flows, seat: Seat) -> None:
    flows.pause(seconds=2 * 3600)
    page = seat("alice", timezone_id="Asia/Tokyo").log_in().page
    page.goto("/")
    box = page.locator(".row .left")
    expect(box).to_have_text(re.compile(r"^\s*until "))
    let_pass(page, 115)
    expect(box).to_have_text(re.compile(r"[45] minutes( \d+ seconds?)? left"))
    expect(box).to_have_class(URGENT)
    assert not is_said_aloud(box)
