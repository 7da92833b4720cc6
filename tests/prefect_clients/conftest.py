"""Everything here starts a server and Prefect clients."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.acceptance.clients import connect
from tests.browser.desk import PASSWORD, Reviewer
from tests.environments import OLDER_PREFECT_PYTHON, PREFECT_PYTHON
from tests.prefect_clients.clients import PrefectClient
from tests.servers import ApprovalsServer, approvals_server

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them; in no groups, because each starts processes that take longer than a server."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def shared_server() -> Iterator[ApprovalsServer]:
    """A server with one reviewer, for all tests that leave it running."""
    with approvals_server() as running:
        running.create_user("alice", password=PASSWORD)
        yield running


@pytest.fixture
def server(shared_server: ApprovalsServer) -> ApprovalsServer:
    """The server without the runs that earlier tests have left, and what they had made.

    Cancelled runs stay, and what is being cancelled: a runner of Prefect 3.4 reads of them in the
    events of the last minute, and ends when it cannot find one.
    """
    left = {"flow_runs": {"state": {"type": {"not_any_": ["CANCELLED", "CANCELLING", "CRASHED"]}}}}
    with connect(shared_server) as client:
        for kind in ("deployments", "flow_runs", "artifacts"):  # first those that make runs
            chosen = left if kind == "flow_runs" else {}
            while found := client.post(f"/{kind}/filter", json=chosen).raise_for_status().json():
                for each in found:
                    client.delete(f"/{kind}/{each['id']}").raise_for_status()
    return shared_server


@pytest.fixture
def api(server: ApprovalsServer) -> Iterator[httpx.Client]:
    with connect(server) as client:
        yield client


@pytest.fixture
def newest(server: ApprovalsServer, tmp_path: Path) -> Iterator[PrefectClient]:
    """The newest release."""
    client = PrefectClient(PREFECT_PYTHON, server, tmp_path)
    yield client
    client.stop()


@pytest.fixture(params=[PREFECT_PYTHON, OLDER_PREFECT_PYTHON], ids=["3.9", "3.4"])
def prefect(
    request: pytest.FixtureRequest,
    server: ApprovalsServer,
    tmp_path: Path,
) -> Iterator[PrefectClient]:
    """The newest release and an older one, where they ask the server for different things.

    Their clients of variables, artifacts, logs and inputs are the same, line for line.
    """
    client = PrefectClient(request.param, server, tmp_path)
    yield client
    client.stop()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where served flows note what happens in them."""
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def alice(server: ApprovalsServer, browser: Browser) -> Iterator[Reviewer]:
    """A reviewer at a browser; whatever it complains of fails the test."""
    with Reviewer(browser, server.url, "alice") as reviewer:
        yield reviewer.log_in()
