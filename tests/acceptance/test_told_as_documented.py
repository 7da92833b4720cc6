"""The documented lines that tell a team, run as they stand beside a mail server and Slack.

Only the addresses are others.
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.people import PASSWORD
from tests.acceptance.waiting import eventually
from tests.documents import DOCS, read_blocks
from tests.environments import clean_environment
from tests.forking import write_command
from tests.mail import MailServer, serve_mail, text_of_mail
from tests.migrated import copy_our_database
from tests.servers import ROOT, free_port, wait_until_ready
from tests.slack import Slack, serve_slack

LINES = next(
    block
    for block in read_blocks((DOCS / "operate.md").read_text(), "sh")
    if "createapikey shop" in block
)
_KEY = re.compile(r"^fr_\S+$", re.MULTILINE)
_APPROVAL = re.compile(r"/approvals/[0-9a-f-]{36}/")


class Team:
    """What the documented lines have made, and how its people see it."""

    def __init__(self, url: str, key: str, mail: MailServer, slack: Slack) -> None:
        self.url, self.mail, self.slack = url, mail, slack
        self.api = httpx.Client(
            verify=False,
            base_url=f"{url}/api",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
        )

    def ask(self) -> None:
        """Have the flow refund wait for somebody."""
        flow = self._post("/flows/", {"name": "refund"})
        run = self._post("/flow_runs/", {"flow_id": flow["id"]})
        details = {"pause_key": "1", "pause_timeout": _later(hours=2)}
        for state in ({"type": "RUNNING"}, {"type": "PAUSED", "state_details": details}):
            verdict = self._post(f"/flow_runs/{run['id']}/set_state", {"state": state})
            assert verdict["status"] == "ACCEPT"

    def _post(self, path: str, body: Any) -> Any:
        return self.api.post(path, json=body).raise_for_status().json()

    def find_mail(self, name: str, words: str) -> str:
        """Wait for a mail to somebody, and return its text."""

        def look() -> str | None:
            for each in list(self.mail.arrived):
                if f"{name}@" in str(each["To"]) and words in str(each["Subject"]):
                    return text_of_mail(each)
            return None

        return eventually(look, f"{name} is mailed that a run {words}")

    @contextmanager
    def log_in(self, name: str) -> Iterator[httpx.Client]:
        with httpx.Client(
            verify=False, base_url=self.url, follow_redirects=True, timeout=60
        ) as browser:
            browser.headers["Referer"] = self.url
            fields = {"username": name, "password": PASSWORD}
            assert "Log out" in post(browser, "/accounts/login/", fields, at="/accounts/login/")
            yield browser


def post(browser: httpx.Client, path: str, fields: dict[str, Any], *, at: str) -> str:
    """Post a form of a page, and return the page that comes then."""
    page = browser.get(at).text
    hidden = re.findall(r'name="(csrfmiddlewaretoken|asked|seen)" value="([^"]*)"', page)
    answered = browser.post(path, data=dict(hidden) | fields)
    assert answered.status_code == 200, answered.text
    return answered.text


def _later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def adapt(lines: str, *, port: int, mail: MailServer) -> str:
    """Put the addresses of this machine in the place of the documented ones."""
    replaced = {
        "https://approvals.example.com": f"http://127.0.0.1:{port}",
        "smtp+tls://desk:password@mail.example.com:587": f"smtp://127.0.0.1:{mail.port}",
        "xoxb-…": "xoxb-1",
        "approvals serve": f"exec approvals serve --port {port}",
    }
    for old, new in replaced.items():
        assert lines.count(old) == 1, old
        lines = lines.replace(old, new)
    return lines


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with serve_mail() as mail, serve_slack() as slack:
        slack.members = {"bob@example.com": "Ubob"}
        port, log, home = free_port(), tmp_path / "log", tmp_path / "home"
        home.mkdir(mode=0o700)
        programs = tmp_path / "programs"
        programs.mkdir()
        write_command(programs / "approvals")
        copy_our_database(home / "approvals.sqlite3")
        environment = clean_environment() | {
            "APPROVALS_HOME": str(home),
            "APPROVALS_PASSWORD": PASSWORD,
            "SLACK_API_URL": slack.url,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
        with log.open("wb") as out:
            server = subprocess.Popen(
                ["sh", "-ec", adapt(LINES, port=port, mail=mail)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            # Each of the lines before is a process of its own, which a busy machine starts slowly
            [key] = eventually(lambda: _KEY.findall(log.read_text()), "the key", within=900)
            wait_until_ready(f"http://127.0.0.1:{port}/api/ready", server, log)
            team = Team(f"http://127.0.0.1:{port}", key, mail, slack)
            with team.api:
                yield team
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


def test_ten_lines_tell_a_team(team: Team) -> None:
    assert len(LINES.splitlines()) == 10
    with team.log_in("bob") as bob:
        post(bob, "/me/", {"zone": "UTC", "by_slack": "on"}, at="/me/")
    with team.log_in("carol") as carol:
        away = {"stand_in": "dan", "since": _later(hours=-1)[:16], "until": _later(days=7)[:16]}
        assert "dan" in post(carol, "/me/absence/", away, at="/me/")
    team.ask()
    assert team.url in team.find_mail("alice", "waits for you")
    eventually(lambda: team.slack.posts, "bob gets a message in Slack")
    assert team.slack.posts[0]["channel"] == "Ubob"
    [path] = set(_APPROVAL.findall(team.find_mail("dan", "waits for you")))
    with team.log_in("dan") as dan:
        post(dan, path, {}, at=path)
    told = team.find_mail("rita", "refund")
    assert "dan" in told
    assert not [each for each in team.mail.arrived if "bob@" in str(each["To"])]
