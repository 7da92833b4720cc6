"""Nobody stops the server: neither by work that it does for them, nor by what they hold open."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import httpx
import pytest

from tests.integration.test_bounded_evaluation import HOSTILE
from tests.servers import CLIENT_SECONDS, PROMPT_SECONDS, ApprovalsServer, approvals_server

pytestmark = pytest.mark.slow

# Far more than a second, on a machine that others use as well; far less than what is held up.
PATIENCE = 15.0


@pytest.fixture(scope="module")
def server() -> Iterator[ApprovalsServer]:
    with approvals_server() as server:
        see_that_it_answers(server, within=CLIENT_SECONDS)  # what a first page loads is loaded
        yield server


def see_that_it_answers(server: ApprovalsServer, *, within: float = PATIENCE) -> None:
    """Ask what probes and people ask first."""
    with httpx.Client(verify=False, base_url=server.url, timeout=within) as client:
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/ready").status_code == 200
        assert client.get("/accounts/login/").status_code == 200


def attack(server: ApprovalsServer, *kinds: str) -> list[threading.Thread]:
    """Send requests at once, of these kinds, that would each take for ever.

    Eight at least, which is more than twice as many as are worked on at a time.
    """
    key = server.api_key

    def send(kind: str) -> None:
        schema, values = HOSTILE[kind]
        httpx.post(
            f"{server.api_url}/ui/schemas/validate",
            json={"schema": schema, "values": values},
            headers={"Authorization": f"Bearer {key}"},
            timeout=120,
            verify=False,
        )

    sent = islice(cycle(kinds), max(8, len(kinds)))
    attackers = [threading.Thread(target=send, args=[kind], daemon=True) for kind in sent]
    for attacker in attackers:
        attacker.start()
    return attackers


@pytest.mark.parametrize("kinds", [["references that double"], [*HOSTILE]], ids=["one", "all"])
def test_hostile_requests_keep_nobody_else_waiting(
    kinds: list[str], server: ApprovalsServer
) -> None:
    """Of one kind, and of all kinds together."""
    attackers = attack(server, *kinds)
    while any(attacker.is_alive() for attacker in attackers):
        see_that_it_answers(server)
        time.sleep(0.1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_server_under_attack_ends_when_it_is_told_to() -> None:
    with approvals_server() as server:
        see_that_it_answers(server, within=CLIENT_SECONDS)
        attack(server, "references that double")
        see_that_it_answers(server)
        assert server.stop() < PROMPT_SECONDS


def test_half_open_connections_block_nobody(server: ApprovalsServer) -> None:
    half_open = []
    try:
        for _ in range(300):
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: ")
            half_open.append(connection)
        see_that_it_answers(server)
        half_open[0].settimeout(60)
        assert half_open[0].recv(1) == b""  # ended by the server, since no header comes
    finally:
        for connection in half_open:
            connection.close()


@pytest.fixture
def few_descriptors() -> Iterator[None]:
    """Start processes as shells do that allow 256 descriptors until they are asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_low_soft_limit_of_descriptors_is_raised(few_descriptors: None) -> None:
    with approvals_server() as server:
        limits = f"/proc/{server.pid}/limits"
        with open(limits, encoding="ascii") as lines:  # noqa: PTH123 -- no file, a process
            (line,) = (line for line in lines if line.startswith("Max open files"))
        assert int(line.split()[3]) > 256


def test_a_body_of_a_stranger_is_refused_before_it_has_come(server: ApprovalsServer) -> None:
    sent = 0

    def parts() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(160):
            sent += 1
            yield b"x" * 1_000_000

    try:
        status: Any = httpx.post(f"{server.api_url}/flow_runs/", content=parts(), timeout=60)
        assert status.status_code == 413
    except httpx.WriteError:  # the connection has been ended meanwhile
        pass
    assert sent < 100


def test_probes_come_by_address_and_a_lost_upgrade_is_explained(server: ApprovalsServer) -> None:
    for path in ("health", "ready"):
        headers = {"Host": "10.1.2.3:8000"}
        answer = httpx.get(f"{server.api_url}/{path}", headers=headers, timeout=CLIENT_SECONDS)
        assert answer.status_code == 200
    for path in ("events/in", "events/out/", "logs/out"):
        answer = httpx.get(f"{server.api_url}/{path}", timeout=CLIENT_SECONDS)
        assert answer.status_code == 426
        assert "proxy_set_header Upgrade" in answer.json()["detail"]
