"""What all tests may ask for."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import expect

from tests.chromium import launch_options
from tests.logs import begin_logs, read_logs
from tests.postgres import create_database, postgresql_server

# A page on a busy machine may be slow; what a test waits for is there at once otherwise.
expect.set_options(timeout=30_000)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests with a browser to the end: from the first on, Playwright's loop runs."""
    items.sort(key=lambda item: "playwright" in getattr(item, "fixturenames", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    begin_logs()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach what the servers, and the flows beside a test, have printed while it failed."""
    report = yield
    if report.failed:
        report.sections.extend(read_logs())
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


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """How Playwright starts Chromium."""
    return launch_options()
