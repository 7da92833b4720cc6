"""The main job, end to end: real servers, real flows, and people who answer."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.acceptance.clients import (
    connect,
    make_run,
    resume,
    runs_in,
    set_state,
    start_flow,
    state_of,
    until,
)
from tests.acceptance.processes import working
from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.environments import PREFECT_PYTHON
from tests.servers import ROOT, ApprovalsServer, approvals_server, free_port

WAITING_FLOWS = Path(__file__).with_name("waiting_flows.py")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server() -> Iterator[ApprovalsServer]:
    with approvals_server() as running:
        running.create_user("alice", password=PASSWORD)
        yield running


@pytest.fixture
def api(server: ApprovalsServer) -> Iterator[httpx.Client]:
    with connect(server) as client:
        yield client


@pytest.fixture
def alice(server: ApprovalsServer) -> Iterator[httpx.Client]:
    """A browser without JavaScript, logged in."""
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=90) as browser:
        form = browser.get("/accounts/login/").text
        login = {"username": "alice", "password": PASSWORD, **hidden_fields(form)}
        page = browser.post("/accounts/login/", data=login, headers={"Referer": server.url})
        assert "alice" in page.text
        yield browser


def hidden_fields(html: str) -> dict[str, str]:
    """Return the hidden fields of a page's last form."""
    form = html[html.rindex("<form") :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def readme_example(folder: Path) -> Path:
    """Return a script with the flow of README, word for word."""
    code = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert code
    script = folder / "refund.py"
    script.write_text(code[1])
    return script


def test_readmes_flow_waits_in_the_inbox_and_goes_on_with_the_answer_of_its_form(
    server: ApprovalsServer, api: httpx.Client, alice: httpx.Client, tmp_path: Path
) -> None:
    """The flow runs where no Django is installed."""
    flow = start_flow(server, readme_example(tmp_path), python=PREFECT_PYTHON)
    [run] = until(lambda: runs_in(api, "PAUSED"))
    link = until(lambda: re.search(r'href="(/approvals/[0-9a-f-]+/)"', alice.get("/").text))
    page = alice.get(link[1]).text
    assert "<strong>79.9 EUR</strong>" in page
    form = re.search(r'<form[^>]+id="answer".*?</form>', page, re.DOTALL)
    assert form
    answer = {**hidden_fields(form[0]), "f.0": "1", "f.1": "as agreed"}
    alice.post(link[1], data=answer).raise_for_status()
    output = flow.read_output(PATIENCE_SECONDS)
    assert flow.returncode == 0, output
    assert "approved" in output
    assert "sent 79.9 EUR for order 1042" in output
    assert state_of(api, run["id"]) == "COMPLETED"


def test_a_rejected_flow_is_cancelled_and_hears_why(
    server: ApprovalsServer, api: httpx.Client, alice: httpx.Client, tmp_path: Path
) -> None:
    flow = start_flow(server, readme_example(tmp_path))
    [run] = until(lambda: runs_in(api, "PAUSED"))
    link = re.search(r'href="(/approvals/[0-9a-f-]+/)"', alice.get("/").text)
    assert link
    page = alice.get(f"{link[1]}reject/").text
    token = re.search(
        r'name="csrfmiddlewaretoken" value="([^"]+)"', page[page.index("reason") - 999 :]
    )
    assert token
    fields = {"csrfmiddlewaretoken": token[1], "reason": "paid already"}
    alice.post(f"{link[1]}reject/", data=fields).raise_for_status()
    output = flow.read_output(PATIENCE_SECONDS)
    state = api.get(f"/flow_runs/{run['id']}").json()["state"]
    assert (state["type"], state["name"]) == ("CANCELLED", "Rejected")
    assert "ApprovalRejected" in output
    assert "paid already" in output
    assert "alice" in output


def test_fifty_flows_wait_through_a_power_cut_of_the_server(
    server: ApprovalsServer, api: httpx.Client
) -> None:
    flows = [start_flow(server, WAITING_FLOWS, "25") for _ in range(2)]
    until(lambda: len(runs_in(api, "PAUSED")) == 50)
    with server.away():
        time.sleep(1)
    for run in runs_in(api, "PAUSED"):
        answer = {"approve": True, "reason": f"for {run['parameters']['number']}"}
        assert resume(api, run["id"], answer)["status"] == "ACCEPT"
    for flow in flows:
        output = flow.read_output(PATIENCE_SECONDS)
        assert flow.returncode == 0, output
        for number in range(25):
            assert f"{number} for {number}\n" in output
    until(lambda: not runs_in(api, "RUNNING"))


def wait_for_change(client: httpx.Client, run: str, etag: str) -> float:
    """Hold a request until the run has another state, and return the time of the answer."""
    held = client.get(f"/flow_runs/{run}", headers={"If-None-Match": etag, "Prefer": "wait=60"})
    assert held.status_code == 200
    return time.monotonic()


def seconds_from_resume_to_waiter(holding: httpx.Client, resuming: httpx.Client) -> float:
    """Resume through one server what is waited for at another."""
    run = make_run(holding)
    set_state(holding, run, "PAUSED", state_details={"pause_key": "1"})
    paused = holding.get(f"/flow_runs/{run}").headers["etag"]
    woken: list[float] = []
    waiter = threading.Thread(target=lambda: woken.append(wait_for_change(holding, run, paused)))
    waiter.start()
    time.sleep(0.3)  # until it is held; a shorter time would only make the test easier
    resume(resuming, run)
    resumed = time.monotonic()
    waiter.join()
    return woken[0] - resumed


@contextmanager
def two_servers(tmp_path: Path, **environment: str) -> Iterator[list[ApprovalsServer]]:
    servers = [
        ApprovalsServer(
            home=tmp_path / "home",
            port=free_port(),
            options=("--no-background",),
            environment=environment,
        )
        for _ in range(2)
    ]
    try:
        for one in servers:
            one.start()
        yield servers
    finally:
        for one in servers:
            one.kill()


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_resume_through_one_process_wakes_the_waiter_of_another(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """By push: nobody asks again before the hold ends, after 60 seconds."""
    url = {"DATABASE_URL": request.getfixturevalue("database_url")} if kind == "postgresql" else {}
    with (
        two_servers(tmp_path, **url) as (first, second),
        connect(first) as holding,
        connect(second) as resuming,
    ):
        took = [seconds_from_resume_to_waiter(holding, resuming) for _ in range(10)]
        assert min(took) < 2, took
        assert max(took) < 30, took


def test_production_is_web_processes_and_a_work_process_on_postgresql(
    tmp_path: Path, database_url: str
) -> None:
    with (
        two_servers(tmp_path, DATABASE_URL=database_url) as (first, second),
        working(first),
        connect(second) as client,
    ):
        flow = start_flow(first, WAITING_FLOWS, "3")
        until(lambda: len(runs_in(client, "PAUSED")) == 3)
        for run in runs_in(client, "PAUSED"):
            resume(client, run["id"], {"approve": True, "reason": "through the other"})
        output = flow.read_output(PATIENCE_SECONDS)
        assert output.count("through the other") == 3
        overdue = make_run(client)
        set_state(
            client, overdue, "PAUSED", state_details={"pause_timeout": "2026-01-01T00:00:00Z"}
        )
        until(lambda: state_of(client, overdue) == "FAILED")
