"""Everything here starts processes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.breaking import Scene, scene_on
from tests.acceptance.clients import connect
from tests.acceptance.flow_processes import FlowProcess, Start
from tests.acceptance.group_servers import GroupServers
from tests.acceptance.serving import Server, client_of
from tests.environments import OLDER_PREFECT_PYTHON
from tests.groups import group_items, items_below, start_longest_first
from tests.postgres import create_database
from tests.servers import (
    ApprovalsServer,
    PrefectServer,
    approvals_server,
    prefect_server,
)

_HERE = Path(__file__).parent
# A Prefect server takes seconds to start and some of a core when it is idle, so three workers
# share what is tried on one. Modules that are not named here are with the last.
_ON_PREFECTS_SERVER = {
    "prefects-server-1": ("sdk_on_both_servers", "guide", "results_on_both_servers"),
    "prefects-server-2": ("documented_flows", "outcomes_on_both_servers"),
    "prefects-server-3": ("serving_on_both_servers", "faults", "states_like_prefect"),
}
# These take a minute and more; all others are shorter.
_LONGEST = (
    *(*_ON_PREFECTS_SERVER, "faults", "sdk_on_both_servers-our_server"),
    *("documented_flows-our_server", "serving_on_both_servers-our_server", "faults-our_server"),
    *("outcomes_on_both_servers-our_server", "outages", "strangers", "crowds", "serve", "demo"),
    "prefect-faults",
)

# What was recorded once is compared with each server; what is tried on each is the same.
_UNDIVIDED = ("one_desk_over_servers", "states_like_prefect", "prefect_servers_mirrored")

_group_servers = GroupServers()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = items_below(_HERE, items)
    for item in ours:
        item.add_marker(pytest.mark.slow)
    group_items(ours, _name_group)
    start_longest_first(items, _LONGEST)


@pytest.hookimpl(trylast=True)  # when fixtures have ended what talks to the servers
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    _group_servers.end_unless_needed(item, nextitem)


def _name_group(item: pytest.Item) -> str:
    """Name the module; for what needs Prefect's server, the group that shares one."""
    module = item.path.stem.removeprefix("test_")
    callspec = getattr(item, "callspec", None)
    server = callspec.params.get("server") if callspec else None
    needed = {server, *getattr(item, "fixturenames", ())}
    if "prefects_server" in needed or module in _UNDIVIDED:
        groups = (name for name, modules in _ON_PREFECTS_SERVER.items() if module in modules)
        return next(groups, "prefects-server-3")
    return f"{module}-{server}" if server else module


@pytest.fixture(scope="package")
def our_server() -> Iterator[ApprovalsServer]:
    """Our server, the same for all tests here that leave it as it is; it ends with the last."""
    with approvals_server() as running:
        yield running


@pytest.fixture(scope="session")
def group_servers() -> Iterator[GroupServers]:
    """The servers of the group, which end with a run that is stopped in its midst, too."""
    yield _group_servers
    _group_servers.end()


@pytest.fixture(scope="module")
def prefects_server(group_servers: GroupServers) -> PrefectServer:
    """An unmodified Prefect 3.9.1, the same for all tests of the group."""
    return group_servers.get("3.9", prefect_server)


@pytest.fixture(scope="module")
def prefects_server_on_postgresql(group_servers: GroupServers, postgresql: str) -> PrefectServer:
    """The same release with its state in PostgreSQL, as teams run it."""
    return group_servers.get(
        "3.9-postgresql", lambda: prefect_server(database_url=create_database(postgresql))
    )


@pytest.fixture(scope="module")
def older_prefects_server(group_servers: GroupServers) -> PrefectServer:
    """An unmodified Prefect 3.4.25, which teams still have."""
    return group_servers.get("3.4", lambda: prefect_server(OLDER_PREFECT_PYTHON))


@pytest.fixture(
    scope="module",
    params=["prefects_server", "prefects_server_on_postgresql", "older_prefects_server"],
    ids=["3.9", "3.9-postgresql", "3.4"],
)
def theirs(request: pytest.FixtureRequest) -> PrefectServer:
    """A Prefect server that a desk looks after from elsewhere: the test is run on each."""
    running: PrefectServer = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="module")
def both_apis() -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of a Prefect server and of ours, which nobody else has asked before."""
    with (
        prefect_server() as theirs,
        approvals_server() as ours,
        connect(theirs) as their_api,
        connect(ours) as our_api,
    ):
        yield their_api, our_api


@pytest.fixture(scope="module", params=["our_server", "prefects_server"])
def server(request: pytest.FixtureRequest) -> Server:
    """Our server, and Prefect's: the test is run on each."""
    running: Server = request.getfixturevalue(request.param)
    return running


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
        flow.end()


@pytest.fixture
def our_scene(our_server: ApprovalsServer, tmp_path: Path) -> Iterator[Scene]:
    """Our server, and flows in processes of their own."""
    with scene_on(our_server, tmp_path) as scene:
        yield scene
