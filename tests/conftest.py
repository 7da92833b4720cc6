"""What all tests may ask for."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from flowruns.domain.texts import readable
from tests.chromium import launch_options
from tests.logs import begin_logs, read_logs
from tests.postgres import create_database, postgresql_server

pytest_plugins = ["tests.failed_pages"]

# A page on a busy machine may be slow; what a test waits for is there at once otherwise.
expect.set_options(timeout=30_000)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    begin_logs()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what the servers, and the flows beside a test, have printed while it failed.

    Half characters, which some tests send and log, cannot be reported to xdist's first process.
    """
    report = yield
    if report.failed:
        report.sections.extend(read_logs())
    report.sections = [(name, readable(text)) for name, text in report.sections]
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
