"""`manage.py serve` and `manage.py work`, as somebody runs them."""

import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.acceptance.clients import connect, make_run, set_state, state_of, until
from tests.acceptance.processes import working
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.environments import clean_environment
from tests.postgres import create_database
from tests.servers import PROMPT_SECONDS, ROOT, ApprovalsServer, approvals_server, free_port


def manage(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


def accepts_its_key(server: ApprovalsServer) -> bool:
    with connect(server) as client:
        return client.post("/flows/filter", json={}).status_code == 200


def test_the_first_start_says_how_to_log_in_and_what_flows_need() -> None:
    with approvals_server(is_command=True) as server:
        assert f"Approvals is running at {server.url}/\n" in server.log
        assert re.search(
            r"Create the first reviewer with: .+ manage.py createsuperuser", server.log
        )
        for line in (
            f"export FLOWRUNS_API_URL={server.api_url}",
            f'export FLOWRUNS_API_KEY="$(cat {server.home / "api-key"})"',
            f"export PREFECT_API_URL={server.api_url}",
            f'export PREFECT_API_KEY="$(cat {server.home / "api-key"})"',
            "export PREFECT_API_AUTH_STRING=$PREFECT_API_KEY",
        ):
            assert f"  {line}\n" in server.log
        assert "This machine's key runs flows and answers them, too." in server.log
        assert re.search(r"make another with: .+ manage.py createapikey NAME", server.log)
        assert server.api_key not in server.log, "a log is kept, and read by others"
        server.create_user("alice", password="correct horse battery")
        server.stop()
        server.start()
        assert "Log in there with your user name and password." in server.log


def test_the_local_key_stays_until_it_is_no_longer_valid() -> None:
    with approvals_server() as server:
        first = server.api_key
        server.stop()
        server.start()
        assert server.api_key == first
        server.stop()
        code = "from flowruns.models import ApiKey; ApiKey.objects.all().delete()"
        server.manage("shell", "--no-imports", "--command", code)
        server.start()
        assert server.api_key != first
        assert accepts_its_key(server)


def test_what_it_writes_is_for_its_owner_only() -> None:
    with approvals_server("--demo") as server:
        until((server.home / "demo-expense.log").exists)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.home.iterdir()}
        assert stat.S_IMODE(server.home.stat().st_mode) == 0o700
    assert {"api-key", "secret-key", "approvals.sqlite3", "demo-password"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes


def test_a_server_for_other_machines_prints_no_key() -> None:
    with approvals_server("--host", "0.0.0.0") as server:
        assert not (server.home / "api-key").exists()
        assert "fr_" not in server.log
        assert "createapikey NAME" in server.log


def test_a_key_is_printed_to_a_terminal(tmp_path: Path) -> None:
    theirs, ours = pty.openpty()
    command = [sys.executable, "manage.py", "serve", "--port", str(free_port())]
    environment = clean_environment() | {"APPROVALS_HOME": str(tmp_path)}
    serving = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=ours, stdout=ours)
    os.close(ours)
    shown = ""
    try:
        while "Stop with Ctrl-C" not in shown:
            shown += os.read(theirs, 10_000).decode()
    finally:
        serving.kill()
        serving.wait()
        os.close(theirs)
    assert f"export FLOWRUNS_API_KEY={(tmp_path / 'api-key').read_text().strip()}" in shown


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PUBLIC_URL", "https://approvals.example.com"), ("TRUST_PROXY", "true")],
)
def test_a_server_behind_a_proxy_makes_no_key_of_its_own(variable: str, value: str) -> None:
    with approvals_server(**{variable: value}) as server:  # type: ignore[arg-type]
        assert not (server.home / "api-key").exists()
        assert "createapikey NAME" in server.log
        assert "fr_" not in server.log


def test_a_revoked_key_of_this_machine_is_not_made_anew() -> None:
    with approvals_server() as server:
        revoked = server.api_key
        server.stop()
        code = "from flowruns.services.api_keys import *; revoke_api_keys(ApiKey.objects.all())"
        server.manage("shell", "--no-imports", "--command", code)
        server.start()
        assert server.api_key == revoked
        assert not accepts_its_key(server)
        assert "The key of this machine was revoked, and stays so." in server.log


@pytest.mark.parametrize("command", ["serve", "work"])
@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"APPROVALS_HOME": "/dev/null/home"}, "APPROVALS_HOME"),
        ({"APPROVALS_HOME": "/proc"}, "APPROVALS_HOME"),
        ({"DATABASE_URL": "mysql://example"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:////proc/no/such/file"}, "DATABASE_URL"),
        ({"DATABASE_URL": f"sqlite:///{ROOT / 'LICENSE'}"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "DATABASE_URL"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_sentence(
    command: str, environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    port = [] if command == "work" else ["--port", str(free_port())]
    result = manage(command, *port, **{"APPROVALS_HOME": str(tmp_path), **environment})
    assert result.returncode == 1
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_port_in_use_is_named_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = manage("serve", "--port", str(port), APPROVALS_HOME=str(tmp_path))
    assert result.returncode == 1
    assert f"Port {port} on 127.0.0.1 is in use" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_named_in_one_sentence(host: str, tmp_path: Path) -> None:
    result = manage("serve", "--host", host, APPROVALS_HOME=str(tmp_path))
    assert result.returncode == 1
    assert f"Cannot listen on {host}" in result.stderr
    assert "Traceback" not in result.stderr


def hold(client: httpx.Client, run: str, etag: str) -> int:
    held = {"If-None-Match": etag, "Prefer": "wait=60"}
    return client.get(f"/flow_runs/{run}", headers=held).status_code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_promptly_while_requests_are_held(number: signal.Signals) -> None:
    with approvals_server(is_command=True) as server:
        answers: list[int] = []
        with connect(server) as client:
            run = make_run(client)
            etag = client.get(f"/flow_runs/{run}").headers["etag"]
            held = [
                threading.Thread(target=lambda: answers.append(hold(client, run, etag)))
                for _ in range(5)
            ]
            for thread in held:
                thread.start()
            until(lambda: server.count_connections() == len(held))
            time.sleep(1)  # until the last of them is held, too
            assert not answers
            assert server.stop(number) < PROMPT_SECONDS
            for thread in held:
                thread.join()
        assert answers == [304] * 5
        assert "Traceback" not in server.log


def test_kept_connections_are_answered_at_once() -> None:
    """A delayed acknowledgement would show as 40 ms in each; how many are quick is up to others."""
    with approvals_server() as server, connect(server) as client:
        client.get("/health")
        until(lambda: client.get("/health").elapsed.total_seconds() < 0.03)


def pause_briefly(client: httpx.Client) -> str:
    run = make_run(client)
    deadline = datetime.now(UTC) + timedelta(seconds=0.3)
    set_state(client, run, "PAUSED", state_details={"pause_timeout": deadline.isoformat()})
    return run


def test_overdue_pauses_fail_by_themselves() -> None:
    with approvals_server() as server, connect(server) as client:
        run = pause_briefly(client)
        until(lambda: state_of(client, run) == "FAILED")


def test_without_background_the_loops_are_left_to_a_work_process() -> None:
    with approvals_server("--no-background") as server, connect(server) as client:
        run = pause_briefly(client)
        time.sleep(2.5)
        assert state_of(client, run) == "PAUSED"
        with working(server) as work:
            until(lambda: state_of(client, run) == "FAILED")
            work.terminate()
            assert work.wait(PROMPT_SECONDS) == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_servers_may_start_together_on_an_empty_database(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shared = {}
    if kind == "postgresql":
        shared["DATABASE_URL"] = create_database(request.getfixturevalue("postgresql"))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)  # a home that is there gets no migrated database from the tests
    servers = [ApprovalsServer(home=home, environment=shared, is_command=True) for _ in range(3)]
    with ExitStack() as started:
        for server in servers:
            started.callback(server.kill)
        with ThreadPoolExecutor() as pool:
            list(pool.map(ApprovalsServer.start, servers))
        for server in servers:
            assert accepts_its_key(server)
