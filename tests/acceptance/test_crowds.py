"""Many at once, of one key or of strangers, keep nobody else waiting."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import connect as connect_socket

from tests.acceptance.waiting import eventually
from tests.servers import ApprovalsServer, approvals_server

pytestmark = pytest.mark.slow

# Far more than a second, on a machine that others use as well; far less than what is held up.
PATIENCE = 5.0
CROWD = 300
PASSWORD = "let-me-in"


@pytest.fixture(scope="module")
def server() -> Iterator[ApprovalsServer]:
    with approvals_server() as server:
        server.create_user("alice", password=PASSWORD)
        yield server


@pytest.fixture
def other(server: ApprovalsServer) -> Iterator[httpx.Client]:
    """Somebody else, who was here before."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx.Client(base_url=server.api_url, headers=headers, timeout=PATIENCE) as client:
        client.post("/flow_runs/filter", json={})
        yield client


def make_run(client: httpx.Client) -> dict[str, str]:
    flow = client.post("/flows/", json={"name": "refund"}).json()
    body = {"flow_id": flow["id"], "state": {"type": "RUNNING"}}
    run: dict[str, str] = client.post("/flow_runs/", json=body).json()
    return run


def see_that_others_are_answered(server: ApprovalsServer, other: httpx.Client, run: str) -> None:
    for path in ("/health", "/ready", f"/flow_runs/{run}"):
        assert other.get(path).status_code == 200
    assert other.post("/flow_runs/filter", json={}).status_code == 200
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as browser:
        browser.get("/accounts/login/")
        form = {"username": "alice", "password": PASSWORD}
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        assert browser.post("/accounts/login/", data=form).status_code == 302


def test_held_requests_of_one_key_that_are_woken_together(
    server: ApprovalsServer, other: httpx.Client
) -> None:
    words = server.manage("createapikey", f"crowd-{uuid4()}").split()
    key = next(word for word in words if word.startswith("fr_"))
    run, mine = make_run(other), make_run(other)
    held = {
        "Authorization": f"Bearer {key}",
        "If-None-Match": f'"{run["state_id"]}"',
        "Prefer": "wait=60",
    }
    answered: list[int] = []

    async def hold_all() -> None:
        limits = httpx.Limits(max_connections=CROWD)
        async with httpx.AsyncClient(timeout=180, limits=limits, trust_env=False) as client:
            url = f"{server.api_url}/flow_runs/{run['id']}"
            all_of_it = [client.get(url, headers=held) for _ in range(CROWD)]
            answered.extend([answer.status_code for answer in await asyncio.gather(*all_of_it)])

    before = server.count_connections()
    crowd = Thread(target=lambda: asyncio.run(hold_all()))
    crowd.start()
    eventually(lambda: server.count_connections() >= before + CROWD, "all of them are held")
    other.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": "PAUSED"}})
    while crowd.is_alive():
        see_that_others_are_answered(server, other, mine["id"])
    assert len(answered) == CROWD
    assert set(answered) <= {200, 503}


@contextmanager
def asking_again_and_again(
    server: ApprovalsServer, headers: Callable[[], dict[str, str]]
) -> Iterator[None]:
    """Have a crowd of strangers ask for a page and for runs, each under a name of its own."""
    is_over = Event()

    async def ask(client: httpx.AsyncClient, url: str) -> None:
        while not is_over.is_set():
            await client.get(url, headers=headers())

    async def ask_all() -> None:
        limits = httpx.Limits(max_connections=CROWD)
        async with httpx.AsyncClient(timeout=180, limits=limits, trust_env=False) as client:
            urls = [f"{server.api_url}/variables/name/x", f"{server.url}/"]
            await asyncio.gather(*(ask(client, urls[i % 2]) for i in range(CROWD)))

    crowd = Thread(target=lambda: asyncio.run(ask_all()))
    crowd.start()
    try:
        yield
    finally:
        is_over.set()
        crowd.join()


def test_strangers_who_make_up_keys_and_sessions(
    server: ApprovalsServer, other: httpx.Client
) -> None:
    run = make_run(other)

    def make_up() -> dict[str, str]:
        return {"Authorization": f"Bearer {uuid4()}", "Cookie": f"sessionid={uuid4().hex}"}

    with asking_again_and_again(server, make_up):
        for _ in range(5):
            for path in ("/health", "/ready", f"/flow_runs/{run['id']}"):
                assert other.get(path).status_code == 200


def test_a_websocket_that_reads_nothing_is_ended_while_events_flow(
    server: ApprovalsServer, other: httpx.Client
) -> None:
    run = make_run(other)
    url, kinds = f"ws://127.0.0.1:{server.port}/api/events", ["prefect"]
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect(("127.0.0.1", server.port))
    hello = json.dumps({"type": "auth", "token": server.api_key})
    before = server.count_connections()
    # With a queue of one message the client's library stops to read, too
    stuck = connect_socket(f"{url}/out", sock=narrow, subprotocols=kinds, max_queue=1)  # type: ignore[arg-type]
    stuck.send(hello)
    stuck.send(json.dumps({"type": "filter", "filter": {}}))
    with connect_socket(f"{url}/in", subprotocols=kinds) as into:  # type: ignore[arg-type]
        into.send(hello)
        for _ in range(4_000):
            into.send(json.dumps(make_event()))
        see_that_others_are_answered(server, other, run["id"])
    eventually(lambda: server.count_connections() < before, "it is ended", within=120)
    narrow.close()


def make_event() -> dict[str, object]:
    return {
        "id": str(uuid4()),
        "event": "thing.happened",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": "thing"},
        "payload": {"text": "x" * 2_000},
    }
