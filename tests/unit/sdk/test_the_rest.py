"""Nobody waits for the last log lines and task states of a run, and none of them is lost."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flowruns import flow
from flowruns.sdk.reporting import rest
from flowruns.sdk.steps.steps import Send
from flowruns.testing import FakeServer
from tests.environments import clean_environment
from tests.servers import ROOT

pytestmark = pytest.mark.slow

SCRIPT = """
import multiprocessing
from flowruns import flow, get_run_logger, task


@task
def small() -> None:
    get_run_logger().info("in the task")


@flow
def talking(who: str) -> None:
    small()
    get_run_logger().info("in the %s", who)


if __name__ == "__main__":
    talking("parent")
    child = multiprocessing.get_context("fork").Process(target=talking, args=["child"])
    child.start()
    child.join()
    talking("parent again")
"""


@flow
def empty() -> None:
    pass


@contextmanager
def listening(server: FakeServer, may_log: threading.Event) -> Iterator[str]:
    """Let a fake server be asked over the network; it takes no log lines before it may."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            path = self.path.removeprefix("/api")
            if path == "/logs/":
                assert may_log.wait(30)
            reply = server.handle(Send(method="POST", path=path, body=body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/api"
        finally:
            http.shutdown()
            thread.join()


def test_a_flow_returns_before_its_last_lines_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    server, may_log = FakeServer(), threading.Event()
    with listening(server, may_log) as url:
        monkeypatch.setenv("FLOWRUNS_API_URL", url)
        empty()
        assert server.run.state.name == "Completed"
        assert server.logs == []
        may_log.set()
        assert rest._sending._last is not None
        rest._sending._last.result(30)
    assert server.logs[-1].message == "Finished in state Completed()"


def test_a_process_ends_after_its_last_lines_also_one_that_was_forked() -> None:
    server, may_log = FakeServer(), threading.Event()
    may_log.set()
    with listening(server, may_log) as url:
        environment = clean_environment() | {"FLOWRUNS_API_URL": url, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", SCRIPT], env=environment, check=True)
    said = Counter(line.message for line in server.logs)
    for who in ("parent", "child", "parent again"):
        assert said[f"in the {who}"] == 1
    assert said["in the task"] == 3
    assert said["Finished in state Completed()"] == 6, "of flows and of tasks"
    assert Counter(event.event for event in server.events) == {
        f"prefect.task-run.{name}": 3 for name in ("Pending", "Running", "Completed")
    }
