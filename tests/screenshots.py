"""The pictures of README, taken of the demo in a browser; run it where the pages have changed:

python -m tests.screenshots
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.chromium import launch_options
from tests.servers import ROOT, ApprovalsServer, approvals_server

PICTURES = ROOT / "static" / "docs"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_SIZE: ViewportSize = {"width": 1120, "height": 680}
_TALL: ViewportSize = {"width": 1120, "height": 1240}
_DEMO_FLOWS = 3
_PATIENCE_MS = 90_000


def take_pictures(folder: Path) -> list[Path]:
    """Take the inbox and an approval, light and dark, and return the files."""
    with approvals_server("--demo", is_command=True) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        try:
            page = _log_in(browser, server)
            return list(_take(page, folder))
        finally:
            browser.close()


def _log_in(browser: Browser, server: ApprovalsServer) -> Page:
    page = browser.new_page(base_url=server.url, viewport=_SIZE, reduced_motion="reduce")
    page.goto("/")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill((server.home / "demo-password").read_text().strip())
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".row")).to_have_count(_DEMO_FLOWS, timeout=_PATIENCE_MS)
    return page


def _take(page: Page, folder: Path) -> Iterator[Path]:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(_SIZE)
        page.goto("/")
        expect(page.locator(".row")).to_have_count(_DEMO_FLOWS)
        yield _photograph(page, folder / f"inbox-{scheme}.png")
        page.locator(".row", has_text="expense-claim").locator("a.row-link").click()
        expect(page.locator("form#answer")).to_be_visible()
        page.mouse.move(0, 0)
        page.set_viewport_size(_TALL)
        yield _photograph(page, folder / f"approval-{scheme}.png")


def _photograph(page: Page, path: Path) -> Path:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path)
    return path


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for taken in take_pictures(PICTURES):
        print(taken.relative_to(ROOT))
