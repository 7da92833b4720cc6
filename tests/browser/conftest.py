"""Everything here starts a server and a browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.desk import PASSWORD, Flows, Reviewer
from tests.browser.elsewhere import FlowsElsewhere
from tests.chromium import running_chromium
from tests.fake_prefect import FakePrefect
from tests.servers import ApprovalsServer, approvals_server

type Seat = Callable[..., Reviewer]

_HERE = Path(__file__).parent
_MAKE_REVIEWERS = """
from django.contrib.auth.models import User
root = User.objects.create_superuser("root", password={password!r})
for name in ("alice", "bob"):
    User.objects.create(username=name, password=root.password)  # to hash it takes long
"""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.slow)
            # One browser for a file; where a file is long its tests name groups of their own.
            if item.get_closest_marker("xdist_group") is None:
                item.add_marker(pytest.mark.xdist_group(f"browser-{item.path.stem}"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests here: each has a context of its own, and none a database."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def server() -> Iterator[ApprovalsServer]:
    """A server with two reviewers and an operator; under xdist each worker has its own."""
    with approvals_server() as running:
        running.manage("shell", "--command", _MAKE_REVIEWERS.format(password=PASSWORD))
        yield running


@pytest.fixture(scope="session")
def theirs() -> Iterator[FakePrefect]:
    """A Prefect server elsewhere."""
    with FakePrefect().running() as theirs:
        yield theirs


@pytest.fixture(scope="session")
def followed() -> set[str]:
    """The desks that follow it by now."""
    return set()


@pytest.fixture
def flows(request: pytest.FixtureRequest) -> Flows:
    """The flows' side, with nothing waiting yet: of this server, or of another."""
    flows: Flows = request.getfixturevalue(f"flows_{getattr(request, 'param', 'here')}")
    return flows


@pytest.fixture
def flows_elsewhere(
    server: ApprovalsServer, theirs: FakePrefect, followed: set[str], flows_here: Flows
) -> Iterator[FlowsElsewhere]:
    """Flows of another server, on a desk on which none of its own wait."""
    assert flows_here
    if server.url not in followed:
        server.manage("addserver", "theirs", theirs.url)
        followed.add(server.url)
    flows = FlowsElsewhere(theirs, server)
    yield flows
    flows.clear()


@pytest.fixture
def flows_here(server: ApprovalsServer) -> Iterator[Flows]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    address = f"{server.api_url}/"
    with httpx.Client(verify=False, base_url=address, headers=headers, timeout=90) as client:
        flows = Flows(client, manage=server.manage)
        flows.clear()
        yield flows


@pytest.fixture
def seat(server: ApprovalsServer, browser: Browser) -> Iterator[Seat]:
    """Seat a reviewer at a browser; whatever it complains of fails the test."""
    with ExitStack() as stack:

        def take(name: str, **options: Any) -> Reviewer:
            return stack.enter_context(Reviewer(browser, server.url, name, **options))

        yield take


@pytest.fixture
def alice(seat: Seat) -> Reviewer:
    return seat("alice").log_in()


@pytest.fixture
def bob(seat: Seat) -> Reviewer:
    return seat("bob").log_in()
