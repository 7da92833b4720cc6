"""Barriers on a page for people who see or hear little or use no mouse, as axe finds them."""

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT, AxeResults  # type: ignore[import-untyped]
from playwright.sync_api import Page

type Rules = dict[str, Any]

# Without all that is well, which is much to hand over
EVERY: Rules = {"resultTypes": ["violations"]}
# What the colour scheme can change; all other rules are asked once, in another scheme.
OF_COLOURS: Rules = EVERY | {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
}
_RUN = "rules => axe.run(rules).then(({violations}) => ({violations}))"


def find_barriers(page: Page, rules: Rules = EVERY) -> Iterator[str]:
    """Yield one report of all barriers on the page as it is now, if there are any."""
    if not page.evaluate("'axe' in window"):  # to load it takes as long as some of its rules
        page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate(_RUN, rules))
    if found.violations_count:
        yield found.generate_report()
