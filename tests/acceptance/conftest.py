"""Everything here starts processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowruns.sdk.client import SyncFlowRunsClient
from tests.acceptance.breaking import Scene, scene_on
from tests.acceptance.flow_processes import FlowProcess, Start
from tests.acceptance.serving import Server, client_of
from tests.servers import ApprovalsServer, approvals_server, prefect_server

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", params=[approvals_server, prefect_server])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Our server, and an unmodified Prefect 3.8.8: the test is run on each."""
    with request.param() as running:
        yield running


@pytest.fixture
def client(server: Server) -> Iterator[SyncFlowRunsClient]:
    """A client of `server`; the SDK's functions in this process use the server too."""
    with client_of(server) as client:
        yield client


@pytest.fixture
def start(server: Server, client: SyncFlowRunsClient) -> Iterator[Start]:
    """Start a flow of `flows_to_run.py`, and end it with the test."""
    started: list[FlowProcess] = []

    def start_flow(name: str, *arguments: object) -> FlowProcess:
        started.append(FlowProcess(server, client, name, *arguments))
        return started[-1]

    yield start_flow
    for flow in started:
        flow.process.kill()
        flow.process.communicate()


@pytest.fixture(scope="module")
def our_server() -> Iterator[ApprovalsServer]:
    with approvals_server() as running:
        yield running


@pytest.fixture
def our_scene(our_server: ApprovalsServer, tmp_path: Path) -> Iterator[Scene]:
    """Our server, and flows in processes of their own."""
    with scene_on(our_server, tmp_path) as scene:
        yield scene
