"""From nothing to one inbox over two servers: the lines of the documentation, as a person has them.

Installing from the clone is tried with the wheel; here the rest is typed at a terminal.
"""

import os
import pty
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.acceptance.waiting import eventually
from tests.documents import DOCS, read_blocks
from tests.environments import clean_environment
from tests.fake_prefect import FakePrefect
from tests.reviewing import log_in
from tests.servers import free_port

_PASSWORD, _SECRET = "correct horse battery", "desk:secret"
_ASKED = [
    ("Username", "alice"),
    ("Email address:", "alice@example.com"),
    ("Password:", _PASSWORD),
    ("Password (again):", _PASSWORD),
    ("Auth string (USER:PASSWORD):", _SECRET),
]


def read_lines() -> list[str]:
    section = (DOCS / "operate.md").read_text().partition("## One desk over several")[2]
    return read_blocks(section, "sh")[0].splitlines()


def test_five_lines_lead_from_nothing_to_one_inbox(tmp_path: Path) -> None:
    first, *lines = read_lines()
    assert first.startswith("pip install")
    assert len(lines) == 4
    with FakePrefect().running() as staging, FakePrefect().running() as production:
        production.auth = f"Basic {b64encode(_SECRET.encode()).decode()}"
        staging.pause(name="far-otter")
        production.pause(name="near-badger")
        port = free_port()
        script = (
            "\n".join(["set -e", *lines])
            .replace("http://staging.example.com:4200/api", staging.url)
            .replace("https://prefect.example.com/api", production.url)
            .replace("approvals serve", f"exec approvals serve --port {port}")
        )
        with at_a_terminal(script, tmp_path) as said:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: is_ready(url), "the desk answers")
            with log_in(url, "alice", _PASSWORD) as browser:
                for name in ("far-otter", "near-badger"):
                    eventually(
                        lambda name=name: name in browser.get("/").text,  # type: ignore[misc]
                        f"{name} waits here",
                    )
        assert _SECRET not in b"".join(said).decode()


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/ready", timeout=60, verify=False).is_success
    except httpx.TransportError:
        return False


@contextmanager
def at_a_terminal(script: str, home: Path) -> Iterator[list[bytes]]:
    """Type the lines, and what they ask for; yields what they print, and ends the last of them."""
    ours, theirs = pty.openpty()
    programs = Path(sys.executable).parent
    environment = clean_environment() | {"APPROVALS_HOME": str(home / "desk")}
    process = subprocess.Popen(
        ["setsid", "--ctty", "bash", "-c", script],  # passwords are asked at its own terminal
        cwd=home,
        env=environment | {"PATH": f"{programs}:{os.environ['PATH']}"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said: list[bytes] = []
    try:
        for prompt, reply in _ASKED:
            while prompt.encode() not in b"".join(said):
                assert process.poll() is None, b"".join(said).decode()
                said.append(os.read(ours, 4096))
            os.write(ours, f"{reply}\n".encode())
        yield said
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
        os.close(ours)
