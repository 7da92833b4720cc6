"""A Slack that behaves as it is told: it takes calls, refuses them, is slow or drops the line."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.models.blocks import Block

RESET = -1  # after the body
HANG = -2  # before anything is taken, until the test is over
LATE = -3  # taken, and answered when whoever asked has left


@dataclass
class Slack:
    """Calls that arrived, as method and arguments, and how the next ones are answered."""

    url: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], dict[str, Any] | str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    socket_url: str = ""
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)  # of users by their id
    replaced: list[dict[str, Any]] = field(default_factory=list)  # notes, by their response_url
    keeps_notes: bool = True
    members: dict[str, str] = field(default_factory=dict)  # an address → a user's id

    def named(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]

    @property
    def note_url(self) -> str:
        """The address that comes with a press on a note for one person."""
        return self.url.replace("/api/", "/actions/1")

    @property
    def posts(self) -> list[dict[str, Any]]:
        return self.named("chat.postMessage")

    @property
    def edits(self) -> list[dict[str, Any]]:
        return self.named("chat.update")

    def take(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Answer as Slack does where nothing is wrong."""
        self.calls.append((method, arguments))
        for block in Block.parse_all(json.loads(arguments.get("blocks", "[]"))):
            block.validate_json()
        if method == "users.lookupByEmail":
            found = self.members.get(arguments["email"])
            return {"ok": True, "user": {"id": found}} if found else _no("users_not_found")
        if method == "users.info":
            return {"ok": True, "user": self.profiles.get(arguments["user"], {})}
        if method == "apps.connections.open":
            return {"ok": True, "url": self.socket_url}
        place = arguments.get("channel", "")
        place = place.replace("U", "D", 1) if place.startswith("U") else place
        return {"ok": True, "channel": place, "ts": arguments.get("ts", f"17.{len(self.calls)}")}


def _no(code: str) -> dict[str, Any]:
    return {"ok": False, "error": code}


@contextmanager
def serve_slack() -> Iterator[Slack]:
    """Run a Slack on a port of its own."""
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            if self.path.startswith("/actions/"):
                slack.replaced.append(json.loads(body))
                self.send_response(200 if slack.keeps_notes else 404)
                self.end_headers()
                self.wfile.write(b"ok")
                return
            arguments = {name: texts[0] for name, texts in parse_qs(body).items()}
            assert self.headers["authorization"].startswith("Bearer x")
            status, headers, answer = slack.answers.pop(0) if slack.answers else (200, {}, "")
            if status == HANG:
                slack.over.wait(30)
                return
            answer = answer or slack.take(self.path.rpartition("/")[2], arguments)
            if status == RESET:
                return
            if status == LATE:
                slack.over.wait(30)
                status = 200
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    slack.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield slack
    finally:
        slack.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
