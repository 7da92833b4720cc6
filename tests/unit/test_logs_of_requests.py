"""The log names requests and runs, as lines or as JSON, and says how requests were answered."""

import asyncio
import json
import logging
from typing import Any

import pytest

from approvals.project.logs import JsonFormatter
from flowruns.web.request_context import AddContext, RequestContext, in_request
from flowruns.web.request_log import log_requests
from flowruns.web.types import Message, Receive, Scope, Send

RUN = "01a22234-0ded-7bba-874b-186d3a9aa056"
_log = logging.getLogger("tests.requests")


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    _log.warning("Half done.")
    await send({"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b""})


def ask(path: str, **headers: str) -> dict[bytes, bytes]:
    """Return the headers of the answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": named}

    async def ask_once() -> None:
        await log_requests(answer)(scope, receive, send)

    asyncio.run(ask_once())
    return dict(sent[0]["headers"])


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, settings: Any) -> Any:
    settings.ACCESS_LOG = True
    caplog.handler.addFilter(AddContext())
    caplog.set_level(logging.INFO)
    formatter = JsonFormatter()
    return lambda: [json.loads(formatter.format(record)) for record in caplog.records]


def test_all_that_a_request_logs_has_its_id_and_that_of_its_run(lines: Any) -> None:
    headers = ask(f"/api/flow_runs/{RUN}/resume", x_request_id="from-the-proxy")
    assert headers[b"x-request-id"] == b"from-the-proxy"
    half, done = lines()
    assert (half["request_id"], half["flow_run_id"]) == ("from-the-proxy", RUN)
    assert half["message"] == "Half done."
    assert (done["status"], done["path"]) == (201, f"/api/flow_runs/{RUN}/resume")
    assert done["message"].startswith(f"GET /api/flow_runs/{RUN}/resume 201 in ")


def test_ids_that_could_forge_a_line_are_replaced(lines: Any) -> None:
    given = [ask("/", x_request_id=text)[b"x-request-id"] for text in ("a b", "é", "x" * 65, "")]
    assert all(len(each) == 16 for each in given)
    assert len(set(given)) == 4


def test_requests_are_not_logged_unless_the_setting_says_so(lines: Any, settings: Any) -> None:
    settings.ACCESS_LOG = False
    ask("/")
    assert [line["message"] for line in lines()] == ["Half done."]


def test_an_error_is_one_line_of_json() -> None:
    record = logging.LogRecord("a.b", logging.ERROR, "f", 1, "No %s.", ("route",), None)
    record.exc_info = (OSError, OSError("no\nroute"), None)
    with in_request(RequestContext("r-1")):
        AddContext().filter(record)
    text = JsonFormatter().format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["level"], line["message"], line["request_id"]) == ("ERROR", "No route.", "r-1")
    assert line["error"].endswith("OSError: no\nroute")
