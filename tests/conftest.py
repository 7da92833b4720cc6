"""What all tests may ask for."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.chromium import launch_options
from tests.failed_pages import forget_failed_pages, keep_failed_pages
from tests.postgres import create_database, postgresql_server

# A page on a busy machine may be slow; what a test waits for is there at once otherwise.
expect.set_options(timeout=30_000)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # A worker would delete what another has just stored.
        forget_failed_pages()


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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server's first database."""
    with postgresql_server() as url:
        yield url


@pytest.fixture
def database_url(postgresql: str) -> str:
    """The URL of an empty PostgreSQL database."""
    return create_database(postgresql)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while Playwright's loop runs, Django refuses its database."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(**launch_options())
