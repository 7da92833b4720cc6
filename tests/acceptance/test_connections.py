"""Connections to PostgreSQL: given back by every request, and made anew when they break."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.acceptance.clients import connect, make_run, runs_in, until
from tests.servers import ApprovalsServer, approvals_server

POOL = 4
LISTENING = 1  # the connection that hears of other processes' changes


@pytest.fixture
def server(database_url: str) -> Iterator[ApprovalsServer]:
    with approvals_server(DATABASE_URL=database_url, DATABASE_POOL_SIZE=str(POOL)) as running:
        yield running


@pytest.fixture
def client(server: ApprovalsServer) -> Iterator[httpx.Client]:
    with connect(server) as connected:
        yield connected


def query(database_url: str, sql: str) -> int:
    with psycopg.connect(database_url, autocommit=True) as own:
        [count] = own.execute(sql).fetchone() or [0]
        return int(count)


def count_connections(database_url: str) -> int:
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    return query(database_url, f"SELECT count(*) FROM pg_stat_activity WHERE {others}")


def break_connections(database_url: str) -> None:
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    assert query(database_url, f"{terminate} WHERE {others}") > 0


def leave_in_the_middle(server: ApprovalsServer) -> None:
    """Ask for a page of runs, and hang up before the answer."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        body = b"{}"
        request = (
            f"POST /api/flow_runs/filter HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {server.api_key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(request.encode() + body)


def test_no_request_keeps_a_connection_even_when_its_client_leaves(
    server: ApprovalsServer, client: httpx.Client, database_url: str
) -> None:
    with ThreadPoolExecutor(16) as clients:
        answers = clients.map(lambda _: client.post("/flow_runs/filter", json={}), range(200))
        assert {answer.status_code for answer in answers} == {200}
        list(clients.map(lambda _: leave_in_the_middle(server), range(50)))
    with ThreadPoolExecutor(16) as clients:
        answers = clients.map(lambda _: client.post("/flow_runs/filter", json={}), range(50))
        assert {answer.status_code for answer in answers} == {200}
    assert count_connections(database_url) <= POOL + LISTENING


def test_held_requests_keep_no_connection(
    server: ApprovalsServer, client: httpx.Client, database_url: str
) -> None:
    """Twice as many as the pool has room for, and others are still answered."""
    run = make_run(client)
    etag = client.get(f"/flow_runs/{run}").headers["etag"]
    held = {"If-None-Match": etag, "Prefer": "wait=3"}
    with ThreadPoolExecutor(POOL * 2) as clients:
        waiting = [
            clients.submit(client.get, f"/flow_runs/{run}", headers=held) for _ in range(POOL * 2)
        ]
        assert runs_in(client, "RUNNING")
        assert {future.result().status_code for future in waiting} == {304}
    assert count_connections(database_url) <= POOL + LISTENING


def test_connections_that_break_are_made_anew(
    server: ApprovalsServer, client: httpx.Client, database_url: str
) -> None:
    run = make_run(client)
    break_connections(database_url)
    assert client.get(f"/flow_runs/{run}").status_code == 200
    until(lambda: "The database cannot be used" in server.log)
    until(lambda: count_connections(database_url) > LISTENING)


def test_what_a_connection_has_planned_is_planned_anew_where_a_newer_release_changed_a_column(
    client: httpx.Client, database_url: str
) -> None:
    make_run(client)
    asked = [client.get("/flows/name/by hand").status_code for _ in range(30)]
    with psycopg.connect(database_url, autocommit=True) as newer:
        newer.execute("ALTER TABLE flowruns_flow ALTER COLUMN name TYPE varchar(5000)")
    answers = [client.get("/flows/name/by hand").status_code for _ in range(30)]
    assert asked == [200] * 30
    assert 1 <= answers.count(503) <= POOL, "each connection says so once, and clients ask again"
    assert answers.count(200) == 30 - answers.count(503)
