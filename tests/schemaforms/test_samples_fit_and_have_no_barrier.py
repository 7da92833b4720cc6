"""Each sample form in all its states: on a small phone, at twice its size, light and dark."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.barriers import EVERY, OF_COLOURS, find_barriers, find_overflow
from tests.schemaforms.conftest import NewPage
from tests.schemaforms.samples import SAMPLES
from tests.schemaforms.site import Site, press, visit

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-forms")]

# What to press so that all of a sample form is there.
OPENINGS: dict[str, list[str]] = {
    "Expense": [],
    "Promotion": ["Provide Canary", "Add entry Labels"],
    "SignOff": ["Add Findings", "Fix", "Add Findings", "Accept"],
    "ToolCall": ["Text"],
    "Maintenance": ["Search Zone", "Search Skip"],
}

DUPLICATE_IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}"""


# A small phone, and a screen of 1280 px at twice its size.
WIDTHS = (640, 320)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_form_is_accessible_on_a_small_phone_and_at_twice_its_size(
    new_page: NewPage, site: Site, name: str
) -> None:
    """Pressed through once at 320 px; every state is looked at in both widths and themes."""
    size = {"width": 320, "height": 640}
    page = new_page(viewport=size, device_scale_factor=2, reduced_motion="reduce")
    visit(page, site, name)
    faults = find_faults(page)
    for button in OPENINGS[name]:
        press(page, button)
        faults += [f"after {button}: {fault}" for fault in find_misfits(page)]
    if OPENINGS[name]:
        faults += [f"when all is there: {fault}" for fault in find_barriers_in_all_looks(page)]
    press(page, "Submit")
    expect(page.get_by_role("alert")).to_be_visible()
    assert [*faults, *find_faults(page)] == []


def find_faults(page: Page) -> list[str]:
    return [*find_misfits(page), *find_barriers_in_all_looks(page)]


def find_misfits(page: Page) -> Iterator[str]:
    """Say what does not fit, at a small phone's width last, and which ids are there twice."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 640})
        yield from find_overflow(page)
    yield from (f"twice: {name}" for name in page.evaluate(DUPLICATE_IDS))


def find_barriers_in_all_looks(page: Page) -> Iterator[str]:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 640})
        for theme, rules in {"dark": OF_COLOURS, "light": EVERY}.items():
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            for barrier in find_barriers(page, rules):
                yield f"{theme} at {width} px: {barrier}"
