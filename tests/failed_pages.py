"""What the browser showed when a test failed: pictures, HTML and complaints in test-results/."""

import re
import shutil
from collections.abc import Generator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from tests.browser.tabs import EMPTY
from tests.servers import ROOT

_FOLDER = ROOT / "test-results"
_SNAPSHOT_MILLISECONDS = 15_000


def pytest_configure(config: pytest.Config) -> None:
    """Delete what an earlier run left; a worker would delete what another has just stored."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(_FOLDER, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test what its browser shows."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.failed and browser is not None and (kept := keep_failed_pages(browser, item.nodeid)):
        report.sections.append(("Pages in the browser", kept))
    return report


def keep_failed_pages(browser: Browser, test: str) -> str:
    """Store every page that `browser` has open, and return the files' paths and complaints.

    Tabs that other tests have left show nothing.
    """
    folder = _FOLDER / _folder_name(test)
    folder.mkdir(parents=True, exist_ok=True)
    opened = [page for context in browser.contexts for page in context.pages]
    pages = [page for page in opened if not page.url.endswith(EMPTY)]
    return "\n".join(
        line
        for number, page in enumerate(pages, 1)
        for line in _keep_page(page, folder / f"page-{number}")
    )


def _keep_page(page: Page, path: Path) -> Iterator[str]:
    yield page.url
    try:
        picture, source = path.with_suffix(".png"), path.with_suffix(".html")
        source.write_text(page.content())
        yield f"  {source}"
        page.screenshot(path=picture, full_page=True, timeout=_SNAPSHOT_MILLISECONDS)
        yield f"  {picture}"
        yield from (f"  {message.type}: {message.text}" for message in page.console_messages())
        yield from (f"  {error}" for error in page.page_errors())
    except Error as error:  # A page that hangs or has crashed: the others are still worth it.
        yield f"  {error}"


def _folder_name(test: str) -> str:
    """Return a short name that tells tests with long names apart."""
    words = re.sub(r"\W+", "-", test.removeprefix("tests/")).strip("-")
    return words if len(words) < 120 else f"{words[:110]}-{sha256(test.encode()).hexdigest()[:8]}"
