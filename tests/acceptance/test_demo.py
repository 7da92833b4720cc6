"""`serve --demo`: flows wait, go on when answered, and leave nothing behind."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from approvals.management.demo import DEMO_USERS, NEXT_AFTER_SECONDS, next_pause
from tests.acceptance.clients import connect, resume, runs_in, state_of, until
from tests.acceptance.people import person
from tests.servers import PROMPT_SECONDS, ApprovalsServer, approvals_server

TAGS = {"finance", "ml", "support"}


def processes_of(server: ApprovalsServer) -> list[str]:
    """Return the command lines of the demo's processes that belong to this server."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if "approvals.demos" in command and f"={server.api_url}\0".encode() in environment:
            found.append(command)
    return found


def all_wait(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """Wait until each of the demo's flows waits, and return their runs by one of their tags."""

    def read() -> dict[str, dict[str, Any]]:
        runs = runs_in(client, "PAUSED")
        return {tag: run for run in runs for tag in TAGS & set(run["tags"])}

    return until(lambda: found if len(found := read()) == len(TAGS) else None)


def agree_with_both(server: ApprovalsServer, run: str) -> None:
    passwords = [
        (name, (server.home / f"{name}-password").read_text().strip()) for name in DEMO_USERS
    ]
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(person(server, name, password=password))
            for name, password in passwords
        )
        call = {"f_0": "AB-12345", "f_1": "12.5", "f_2": "3", "f_3": "We are sorry.", "f_4": "1"}
        assert "Waits for demo2" in first.answer(run, **call)
        assert "It is decided." in second.agree(run)


def test_answered_flows_go_on_and_new_ones_begin() -> None:
    answers = {
        "finance": {"approve": True, "amount": "100.00", "cost_center": "Marketing"},
        "ml": {"promote": True, "rollout": {"strategy": "shadow", "regions": ["eu-west"]}},
    }
    with approvals_server("--demo") as server, connect(server) as client:
        waiting = all_wait(client)
        for tag, answer in answers.items():
            assert resume(client, waiting[tag]["id"], answer)["status"] == "ACCEPT", tag
        agree_with_both(server, waiting["support"]["id"])
        for run in waiting.values():
            until(lambda run=run: state_of(client, run["id"]) == "COMPLETED")  # type: ignore[misc]
        again = all_wait(client)
        assert not {run["id"] for run in again.values()} & {run["id"] for run in waiting.values()}
        assert len(runs_in(client, "PAUSED")) == len(TAGS)


def test_a_script_that_fails_at_once_is_started_ever_more_rarely() -> None:
    pauses = [0.0]
    for _ in range(9):
        pauses.append(next_pause(pauses[-1], code=1, lasted=0.5))
    assert pauses[1:] == [6, 12, 24, 48, 96, 192, 300, 300, 300]
    assert next_pause(300, code=0, lasted=0.5) == NEXT_AFTER_SECONDS
    assert next_pause(300, code=1, lasted=60) == NEXT_AFTER_SECONDS, "a reviewer rejected it"


def test_its_user_logs_in_with_the_password_that_is_printed_each_time() -> None:
    with approvals_server("--demo") as server:
        printed = re.search(r"Log in as demo with the password (\S+)", server.log)
        assert printed
        assert (server.home / "demo-password").read_text().strip() == printed[1]
        with httpx.Client(base_url=server.url, follow_redirects=True, timeout=90) as browser:
            form = browser.get("/accounts/login/").text
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
            assert token
            fields = {"username": "demo", "password": printed[1]}
            fields["csrfmiddlewaretoken"] = token[1]
            assert "Log out" in browser.post("/accounts/login/", data=fields).text
        other = re.search(r"^demo2 with the password (\S+)$", server.log, re.MULTILINE)
        assert other
        assert (server.home / "demo2-password").read_text().strip() == other[1]
        server.stop()
        server.start()
        assert server.log.count(f"with the password {printed[1]}") == 2


def test_it_ends_with_the_server_and_leaves_nobody_waiting() -> None:
    with approvals_server("--demo", is_command=True) as server:
        with connect(server) as client:
            all_wait(client)
        assert len(processes_of(server)) == len(TAGS)
        assert server.stop() < PROMPT_SECONDS
        assert processes_of(server) == []
        server.options = ()
        server.start()
        with connect(server) as client:
            assert runs_in(client, "PAUSED", "RUNNING", "PENDING") == []
            assert len(runs_in(client, "CANCELLED")) == len(TAGS)


def test_a_server_that_was_killed_takes_its_flows_along_and_the_next_one_cleans_up() -> None:
    with approvals_server("--demo", is_command=True) as server:
        with connect(server) as client:
            before = {run["id"] for run in all_wait(client).values()}
        server.kill()
        until(lambda: not processes_of(server))
        server.start()
        with connect(server) as client:
            after = {run["id"] for run in all_wait(client).values()}
            assert not before & after
            assert {run["id"] for run in runs_in(client, "PAUSED")} == after
