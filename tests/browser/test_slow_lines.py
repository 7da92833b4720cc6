"""Whoever waits for the server is told so, and not by what the page asks for by itself."""

import re
from collections.abc import Callable
from threading import Event

from playwright.sync_api import Page, Route, expect

from tests.browser.desk import ITEMS, REFUND, Flows, Reviewer


def hold(page: Page, pattern: str | re.Pattern[str], method: str) -> Callable[[], None]:
    """Hold such requests until the returned function is called."""
    held: list[Route] = []
    is_released = Event()

    def take(route: Route) -> None:
        if route.request.method != method or is_released.is_set():
            route.fallback()
        else:
            held.append(route)

    def release() -> None:
        is_released.set()
        for route in held:
            route.fallback()

    page.route(pattern, take)
    return release


def test_a_button_that_takes_long_says_so_until_it_is_done(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=ITEMS))
    sign = page.locator("#busy")
    expect(sign).to_have_text("")
    release = hold(page, "**/approvals/*/", "POST")
    page.get_by_role("button", name="Add Items").click()
    expect(sign).to_have_text("Working…")
    expect(sign).to_be_in_viewport()
    release()
    expect(page.locator("#answer-status")).to_have_text("Entry 1 added")
    expect(sign).to_have_text("")


def test_a_search_that_takes_long_says_so(flows: Flows, alice: Reviewer) -> None:
    flows.pause(schema=REFUND)
    alice.page.goto("/")
    release = hold(alice.page, re.compile(r"/inbox/list/\?.*\bq=nothing"), "GET")
    alice.page.get_by_label("Search what waits").fill("nothing")
    expect(alice.page.locator("#busy")).to_have_text("Working…")
    release()
    expect(alice.page.get_by_text("Nothing that waits matches")).to_be_visible()
    expect(alice.page.locator("#busy")).to_have_text("")


def test_a_decision_that_takes_long_says_so(flows: Flows, alice: Reviewer) -> None:
    waiting = flows.pause(schema=REFUND)
    page = alice.open(waiting)
    page.get_by_label("Yes").check()
    release = hold(page, "**/api/ready", "GET")  # the page asks first whether the server is there
    alice.submit.click()
    expect(page.locator("#busy")).to_have_text("Working…")
    release()
    expect(page.get_by_role("heading", name="You answered this")).to_be_visible()
    expect(page.locator("#busy")).to_have_text("")


def test_what_the_page_asks_for_by_itself_is_quiet(flows: Flows, alice: Reviewer) -> None:
    page = alice.open(flows.pause(schema=REFUND))
    page.evaluate(
        "new MutationObserver(() => { document.body.dataset.worked = 1; })"
        ".observe(document.getElementById('busy'), { childList: true })"
    )
    release = hold(page, "**/state/*", "GET")
    release_draft = hold(page, "**/draft/", "POST")
    with page.expect_request("**/state/*"):
        pass
    page.get_by_label("Reason", exact=True).fill("typed")
    with page.expect_request("**/draft/"):
        pass
    release_draft()
    expect(page.get_by_text("Draft saved")).to_be_visible()
    release()
    expect(page.locator("body")).not_to_have_attribute("data-worked", "1")
