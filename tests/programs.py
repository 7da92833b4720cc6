"""A program that takes posts and behaves as it is told: it refuses them, or drops the line."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESET = -1  # after the body
HANG = -2  # before anything is taken, until the test is over
LATE = -3  # taken, and answered when whoever asked has left


@dataclass
class Program:
    """What posts to it said, and how it answers the next ones: by a status and headers."""

    url: str = ""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def types(self) -> list[str]:
        """The types of the webhooks' events that were posted."""
        return [json.loads(body)["type"] for _, body in self.posts]


@contextmanager
def serve_program(*, status: int = 202) -> Iterator[Program]:
    """Run a program on a port of its own; it answers by `status` where nothing else is said."""
    found = Program()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told, more = found.answers.pop(0) if found.answers else (status, {})
            if told == HANG:
                found.over.wait(30)
                return
            found.posts.append((headers, body))
            if told == RESET:
                return
            if told == LATE:
                found.over.wait(30)
                told = status
            self.send_response(told)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
