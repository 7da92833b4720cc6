"""A run asks a server for no more than it needs; on a fake server."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from flowruns import flow, pause_flow_run
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import FakeServer, served_by

BEGUN = ["POST flows", "POST flow_runs"]
STATE = "POST set_state"
_JSON = {"content-type": "application/json"}


class Recorder:
    """A server that remembers what it was asked of runs and flows, and may answer otherwise."""

    def __init__(self, *, answers_instead: Callable[[Send], Reply | None] | None = None) -> None:
        self.server = FakeServer(lambda _: True)
        self.asked: list[str] = []
        self._answers_instead = answers_instead or (lambda _: None)

    def handle(self, request: Send) -> Reply:
        parts = request.path.strip("/").split("/")
        if parts[0] in {"flows", "flow_runs"}:
            what = "run" if len(parts) == 2 and request.method == "GET" else parts[-1]
            self.asked.append(f"{request.method} {what}")
        return self._answers_instead(request) or self.server.handle(request)


@flow
def empty() -> int:
    return 1


@flow
def asking() -> None:
    pause_flow_run(key="one")


def test_a_run_of_a_known_flow_takes_three_requests_where_the_server_compares_states() -> None:
    recorder = Recorder()
    with served_by(recorder.handle):
        assert empty() == 1
        assert recorder.asked == [*BEGUN, STATE, STATE]
        recorder.asked.clear()
        assert empty() == 1
        assert recorder.asked == ["POST flow_runs", STATE, STATE]


def test_a_server_that_does_not_compare_is_asked_for_the_state_before_an_end() -> None:
    recorder = Recorder()

    def handle(request: Send) -> Reply:
        reply = recorder.handle(request)
        return Reply(reply.status, reply.content)

    with served_by(handle):
        assert empty() == 1
    assert recorder.asked == [*BEGUN, STATE, "GET run", STATE]


def test_a_run_that_has_paused_ends_without_another_look() -> None:
    recorder = Recorder()
    with served_by(recorder.handle):
        asking()
    assert recorder.asked[-2:] == ["GET run", STATE], "the look that saw the end of the pause"
    assert recorder.asked.count(STATE) == 3


@pytest.mark.parametrize("status", [404, 409], ids=["ours", "prefects"])
def test_a_flow_that_was_deleted_is_registered_again(status: int) -> None:
    gone: list[str] = []

    def refuse(request: Send) -> Reply | None:
        if request.path == "/flow_runs/" and request.body["flow_id"] in gone:
            return Reply(status, b'{"detail": "Flow not found"}', _JSON)
        return None

    recorder = Recorder(answers_instead=refuse)
    with served_by(recorder.handle):
        assert empty() == 1
        gone.append(str(recorder.server.flows["empty"]))
        recorder.server.flows["empty"] = uuid4()
        assert empty() == 1
    assert recorder.asked.count("POST flows") == 2
    assert recorder.asked[4:8] == ["POST flow_runs", *BEGUN, STATE]
