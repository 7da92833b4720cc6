"""Prefect's unmodified client and our websockets: nothing is polled for, and nothing complains."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from tests.acceptance.clients import connect, make_run, set_state, state_of, until
from tests.relays import relaying
from tests.servers import PREFECT_PYTHON, ApprovalsServer, approvals_server, prefect_environment

SCRIPTS = Path(__file__).with_name("prefect_flows")
COMPLAINTS = re.compile(r"\| (WARNING|ERROR|CRITICAL)|Traceback")


@pytest.fixture
def server() -> Iterator[ApprovalsServer]:
    with approvals_server() as running:
        yield running


@contextmanager
def prefect_process(
    server: ApprovalsServer, home: Path, script: str, *arguments: str, **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a script with Prefect's client, whose settings are two variables."""
    settings = {"PREFECT_API_URL": server.api_url, **variables}
    if not variables:
        settings["PREFECT_API_KEY"] = server.api_key
    process = subprocess.Popen(
        [PREFECT_PYTHON, str(SCRIPTS / script), *arguments],
        env=prefect_environment(home) | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def read_log(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a process and return what it said; it complained about nothing."""
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert not COMPLAINTS.search(log), log
    return log


def task_runs_of(client: httpx.Client, *states: str) -> list[dict[str, Any]]:
    body = {"task_runs": {"state": {"type": {"any_": states}}}}
    return list(client.post("/task_runs/filter", json=body).raise_for_status().json())


@pytest.mark.parametrize("variable", ["PREFECT_API_KEY", "PREFECT_API_AUTH_STRING"])
def test_a_flow_with_tasks_leaves_no_warning_and_all_of_its_task_runs(
    server: ApprovalsServer, tmp_path: Path, variable: str
) -> None:
    key = {variable: server.api_key}
    with prefect_process(server, tmp_path, "flow_with_tasks.py", **key) as process:
        log, _ = process.communicate(timeout=60)
        assert process.returncode == 0, log
    complaints = [line for line in log.splitlines() if COMPLAINTS.search(line)]
    assert complaints == [line for line in complaints if "the first time" in line], log

    with connect(server) as client:
        until(lambda: len(task_runs_of(client, "COMPLETED")) == 11)
        done = task_runs_of(client, "COMPLETED")
        assert task_runs_of(client, "PENDING", "RUNNING") == []
    names = sorted(found["name"].rpartition("-")[0] for found in done)
    assert names == ["add"] * 5 + ["async-child", "child", "fails_once"] + ["later"] * 3
    assert all(found["start_time"] <= found["end_time"] for found in done)


def test_who_waits_for_a_run_hears_of_its_end_at_once(
    server: ApprovalsServer, tmp_path: Path
) -> None:
    with connect(server) as client:
        run = make_run(client)
        with prefect_process(server, tmp_path, "wait_for_run.py", run) as waiting:
            until_waiting(server)
            ended = time.time()
            set_state(client, run, "COMPLETED")
            assert heard_at(read_log(waiting)) - ended < 1


def heard_at(log: str) -> float:
    found = re.search(r"heard of Completed at ([\d.]+)", log)
    assert found, log
    return float(found[1])


def until_waiting(server: ApprovalsServer) -> None:
    """Wait until a websocket is open: it is asked for just before the run is read."""
    until(lambda: count_sockets(server) > 0)


def count_sockets(server: ApprovalsServer) -> int:
    """Count the established connections of other processes to the server."""
    port, established = f":{server.port:04X}", "01"
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ends = [line.split()[1:4] for line in rows]
    return sum(own.endswith(port) and state == established for own, _, state in ends) - 1


def test_a_killed_server_is_replaced_and_everybody_goes_on(
    server: ApprovalsServer, tmp_path: Path
) -> None:
    """At once, because Prefect's client gives up what it cannot send for eight seconds."""
    with ExitStack() as stack:
        next_one = stack.enter_context(approvals_server(home=server.home))
        relay = stack.enter_context(relaying(server.port))
        url = {"PREFECT_API_URL": f"http://127.0.0.1:{relay.port}/api"}
        url["PREFECT_API_AUTH_STRING"] = server.api_key
        client = stack.enter_context(connect(next_one))
        run = make_run(client)
        start = partial(prefect_process, server, tmp_path)
        waiting = stack.enter_context(start("wait_for_run.py", run, **url))
        until_waiting(server)
        flow = stack.enter_context(start("steps.py", "80", **url))
        until(lambda: task_runs_of(client, "COMPLETED"), within=60)
        relay.target = next_one.port  # first: no try of the client may end at a dead server
        server.kill()
        read_log(flow)
        ended = time.time()
        set_state(client, run, "COMPLETED")
        assert heard_at(read_log(waiting)) - ended < 1
        until(lambda: len(task_runs_of(client, "COMPLETED")) == 80)


def test_an_end_in_one_process_is_heard_in_another(database_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        first = approvals_server("--no-background", DATABASE_URL=database_url)
        one = stack.enter_context(first)
        second = approvals_server("--no-background", home=one.home, DATABASE_URL=database_url)
        two = stack.enter_context(second)
        client = stack.enter_context(connect(two))
        run = make_run(client)
        waiting = stack.enter_context(prefect_process(one, tmp_path, "wait_for_run.py", run))
        until_waiting(one)
        ended = time.time()
        set_state(client, run, "COMPLETED")
        assert heard_at(read_log(waiting)) - ended < 1


@pytest.mark.parametrize("state", ["CANCELLING", "PAUSED"])
def test_a_served_run_is_told_to_stop_without_polling(
    server: ApprovalsServer, tmp_path: Path, state: str
) -> None:
    """Prefect's runner and engine would ask every ten seconds; their observers are told."""
    with connect(server) as client, prefect_process(server, tmp_path, "steps.py") as serving:
        by_name = "/deployments/name/steps/desk"
        deployment = until(lambda: (a := client.get(by_name)).status_code == 200 and a.json())
        path = f"/deployments/{deployment['id']}/create_flow_run"
        run = client.post(path, json={}).raise_for_status().json()["id"]
        until(lambda: len(task_runs_of(client, "COMPLETED")) >= 3, within=60)
        told = time.monotonic()
        ask_to_stop(client, run, state)
        if state == "CANCELLING":
            until(lambda: state_of(client, run) == "CANCELLED", within=8)
        else:
            until(lambda: has_fallen_silent(client), within=8)
            assert state_of(client, run) == "PAUSED"
        assert time.monotonic() - told < 8
        os.killpg(serving.pid, signal.SIGINT)
        log, _ = serving.communicate(timeout=30)
    assert "falling back to polling" not in log.lower()
    assert "Switching to polling" not in log


def ask_to_stop(client: httpx.Client, run: str, state: str) -> None:
    proposed: dict[str, Any] = {"type": state}
    if state == "PAUSED":
        proposed |= {"name": "Suspended", "state_details": {"pause_reschedule": True}}
    answer = client.post(f"/flow_runs/{run}/set_state", json={"state": proposed})
    assert answer.raise_for_status().json()["status"] == "ACCEPT"


def has_fallen_silent(client: httpx.Client) -> bool:
    """Whether no task run ends within a second."""
    before = len(task_runs_of(client, "COMPLETED"))
    time.sleep(1)
    return len(task_runs_of(client, "COMPLETED")) == before


def open_socket(server: ApprovalsServer, path: str = "/events/in") -> ClientConnection:
    url = f"ws://127.0.0.1:{server.port}/api{path}"
    socket = connect_socket(url, subprotocols=["prefect"], max_size=None)  # type: ignore[list-item]
    socket.send(f'{{"type": "auth", "token": "{server.api_key}"}}')
    assert socket.recv(timeout=10) == '{"type":"auth_success"}'
    return socket


def test_frames_that_are_no_events_and_far_too_long_ones_hurt_nobody(
    server: ApprovalsServer,
) -> None:
    with open_socket(server) as socket:
        for bad in ("", "{", "[]", b"\x00\xff", "x" * 2_000_000, '{"event": "' + "x" * 9_000_000):
            socket.send(bad)
        socket.ping().wait(10)
        socket.send("y" * 20_000_000)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
    with open_socket(server), connect(server) as client:
        assert client.get("/ready").status_code == 200
    assert "Traceback" not in server.log


def test_sockets_are_closed_when_the_server_ends_so_that_clients_come_again(
    server: ApprovalsServer,
) -> None:
    with open_socket(server) as into, open_socket(server, "/events/out") as out:
        out.send('{"type": "filter", "filter": {}}')
        assert server.stop() < 3
        for socket in (into, out):
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=10)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1012
