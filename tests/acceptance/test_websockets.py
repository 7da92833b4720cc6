"""Websockets of a real server: what no client should send, and the end of the server."""

import json
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from tests.acceptance.clients import connect
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.servers import ApprovalsServer, approvals_server
from tests.task_run_events import task_run_event


def open_socket(server: ApprovalsServer, path: str = "/events/in") -> ClientConnection:
    url = f"ws://127.0.0.1:{server.port}/api{path}"
    socket = connect_socket(url, subprotocols=["prefect"], max_size=None)  # type: ignore[list-item]
    socket.send(f'{{"type": "auth", "token": "{server.api_key}"}}')
    assert socket.recv(timeout=PATIENCE_SECONDS) == '{"type":"auth_success"}'
    return socket


def test_frames_that_are_no_events_and_far_too_long_ones_hurt_nobody(
    our_server: ApprovalsServer,
) -> None:
    before = len(our_server.log)
    with open_socket(our_server) as socket:
        for bad in ("", "{", "[]", b"\x00\xff", "x" * 2_000_000, '{"event": "' + "x" * 9_000_000):
            socket.send(bad)
        assert socket.ping().wait(PATIENCE_SECONDS)
        socket.send("y" * 20_000_000)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=PATIENCE_SECONDS)
    with open_socket(our_server), connect(our_server) as client:
        assert client.get("/ready").status_code == 200
    assert "Traceback" not in our_server.log[before:]


def test_what_a_ping_has_confirmed_is_stored_whatever_happens_next() -> None:
    """Prefect's client forgets its events then."""
    with approvals_server() as server:
        with open_socket(server) as socket:
            for _ in range(700):
                socket.send(json.dumps(task_run_event()))
            assert socket.ping().wait(PATIENCE_SECONDS)
            server.kill()
        server.start()
        with connect(server) as client:
            found = client.post("/events/filter", json={"limit": 1}).raise_for_status().json()
        assert found["total"] == 700


def test_sockets_are_closed_when_the_server_ends_so_that_clients_come_again() -> None:
    with (
        approvals_server() as server,
        open_socket(server) as into,
        open_socket(server, "/events/out") as out,
    ):
        out.send('{"type": "filter", "filter": {}}')
        server.stop()
        for socket in (into, out):
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=PATIENCE_SECONDS)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1012


def test_a_killed_server_stops_listening_before_its_connections_end() -> None:
    """Linux ends what a process has open from the highest descriptor to the lowest."""
    with approvals_server() as server, open_socket(server), open_socket(server, "/events/out"):
        opened = Path(f"/proc/{server.pid}/fd")
        last = max(opened.iterdir(), key=lambda descriptor: int(descriptor.name))
        table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        listening, port = "0A", f":{server.port:04X}"
        [listener] = [row[9] for row in table if row[1].endswith(port) and row[3] == listening]
        assert last.readlink() == Path(f"socket:[{listener}]")
