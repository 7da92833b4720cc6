"""What keeps people off a page: barriers as axe finds them, and what is wider than the screen."""

from collections.abc import Iterator
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT, AxeResults  # type: ignore[import-untyped]
from playwright.sync_api import Page

type Rules = dict[str, Any]

# Without all that is well, which is much to hand over
EVERY: Rules = {"resultTypes": ["violations"]}
# What the colour scheme can change; all other rules are asked once, in another scheme.
OF_COLOURS: Rules = EVERY | {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
}
# Asked when the page has been drawn in its size, which a busy machine takes a while for
_OVERFLOW = """() => new Promise(tell =>
    requestAnimationFrame(() => requestAnimationFrame(() =>
        tell(document.documentElement.scrollWidth - innerWidth))))"""
_BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
_RUN = "rules => axe.run(rules).then(({violations}) => ({violations}))"


def find_barriers(page: Page, rules: Rules = EVERY) -> Iterator[str]:
    """Yield one report of all barriers on the page as it is now, if there are any."""
    if not page.evaluate("'axe' in window"):  # to load it takes as long as some of its rules
        page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate(_RUN, rules))
    if found.violations_count:
        yield found.generate_report()


def find_barriers_by_scheme(page: Page) -> Iterator[str]:
    """Look for barriers with light and with dark colours, which must differ."""
    schemes: dict[Literal["light", "dark"], Rules] = {"light": EVERY, "dark": OF_COLOURS}
    seen: set[str] = set()
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme)
        yield from (f"{scheme}: {barrier}" for barrier in find_barriers(page, rules))
        seen.add(page.evaluate(_BACKGROUND))
    if len(seen) < 2:
        yield "light and dark look the same"


def find_overflow(page: Page) -> Iterator[str]:
    """Say by how much the page is wider than the screen, if it is."""
    wide: int = page.evaluate(_OVERFLOW)
    if wide > 0:
        yield f"{wide} px wider than the screen"
