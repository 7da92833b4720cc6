"""What people complain about in other forms, in a real browser, with JavaScript and without."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.barriers import EVERY, find_barriers, find_overflow
from tests.schemaforms.asked_elsewhere import ASKED, CHAINS
from tests.schemaforms.site import Site, press, serve, visit

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-forms-asked-elsewhere")]


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(ASKED) as site:
        yield site


def choose(page: Page, name: str) -> None:
    """Choose an answer that decides what else is asked, and wait for that."""
    if page.evaluate("'htmx' in window"):
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.get_by_label(name, exact=True).check()
    else:
        page.get_by_label(name, exact=True).check()
        press(page, "Update questions")


def answer(page: Page, site: Site) -> Any:
    press(page, "Submit")
    assert site.form is not None
    assert site.form.problems == []
    assert site.form.is_valid
    return site.form.value


@pytest.mark.parametrize("name", [name.replace(" ", "-") for name in CHAINS])
def test_every_level_of_a_chain_appears(either_page: Page, site: Site, name: str) -> None:
    visit(either_page, site, name)
    choose(either_page, "US")
    choose(either_page, "CA")
    either_page.get_by_label("LA", exact=True).check()
    assert answer(either_page, site) == {"country": "US", "state": "CA", "county": "LA"}


def test_a_typed_answer_brings_in_its_question_once_the_field_is_left(
    page: Page, site: Site
) -> None:
    visit(page, site, "typed-place")
    page.get_by_label("Country").fill("US")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Country").press("Tab")
    choose(page, "CA")
    page.get_by_label("LA", exact=True).check()
    assert answer(page, site) == {"country": "US", "state": "CA", "county": "LA"}


def test_what_was_typed_returns_with_its_question(either_page: Page, site: Site) -> None:
    visit(either_page, site, "refund")
    choose(either_page, "Yes")
    either_page.get_by_label("Iban").fill("DE02 1203")
    choose(either_page, "No")
    expect(either_page.get_by_label("Iban")).to_have_count(0)
    assert answer(either_page, site) == {"refund": False}
    choose(either_page, "Yes")
    expect(either_page.get_by_label("Iban")).to_have_value("DE02 1203")
    assert answer(either_page, site) == {"refund": True, "iban": "DE02 1203"}


def test_options_are_chosen_by_their_words(either_page: Page, site: Site) -> None:
    visit(either_page, site, "incident")
    page = either_page
    expect(page.get_by_text("Tonight.").first).to_be_visible()
    expect(page.get_by_label("Left as it is (3)")).to_be_checked()
    page.get_by_role("radio", name="High: page somebody").check()
    page.get_by_role("checkbox", name="Low: nobody notices").check()
    page.get_by_label("high", exact=True).check()
    assert answer(page, site) == {"severity": 2, "others": [1], "level": 2}


def test_thousands_and_texts_beside_numbers(either_page: Page, site: Site) -> None:
    visit(either_page, site, "limits")
    page = either_page
    threshold = page.get_by_role("group", name="Threshold")
    with page.expect_response(lambda response: response.request.method == "POST"):
        threshold.get_by_role("button", name="Text").click()
    page.get_by_label("Text", exact=True).fill("auto")
    page.get_by_label("Count").fill("10.000")
    page.get_by_label("Ratio").fill("1.000")
    press(page, "Submit")
    expect(page.get_by_role("link", name="Write 10000, without point or comma.")).to_be_visible()
    page.get_by_label("Count").fill("10000")
    press(page, "Submit")
    expect(page.get_by_text("If you mean 1000, write it without the point.").first).to_be_visible()
    assert answer(page, site) == {"threshold": "auto", "share": 5, "count": 10000, "ratio": 1.0}


def test_the_only_possible_values_are_ticked_and_shown(either_page: Page, site: Site) -> None:
    visit(either_page, site, "signed")
    page = either_page
    page.get_by_label("gdpr").check()
    press(page, "Add entry Sums")
    expect(page.get_by_text("total", exact=True)).to_be_visible()
    page.get_by_label("Value 1").fill("3")
    assert answer(page, site) == {"laws": ["gdpr"], "sums": {"total": 3}}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_are_accessible_and_fit_a_phone(page: Page, site: Site, theme: str) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    for name in ("incident", "limits", "signed", "options-that-depend"):
        visit(page, site, name, theme)
        rules = EVERY | {"rules": {"region": {"enabled": False}}}
        assert [*find_overflow(page), *find_barriers(page, rules)] == []
