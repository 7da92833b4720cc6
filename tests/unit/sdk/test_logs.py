"""Log lines: what is sent, when, and what a server that is away costs."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from flowruns import flow, get_run_logger
from flowruns.sdk.reporting import logs as run_logs
from flowruns.sdk.reporting import shipping
from flowruns.sdk.reporting.shipping import LogShipper
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.testing import FakeServer, reviewed_by, served_by
from flowruns.wire import LogCreate


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with reviewed_by(lambda _: {}) as fake:
        yield fake


def _line(message: str) -> LogCreate:
    return LogCreate(
        name="test", level=20, message=message, timestamp=datetime.now(UTC), flow_run_id=uuid4()
    )


class Receiver:
    """Counts batches; is away while it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.status = 201
        self.asked = threading.Event()

    def __call__(self, request: Send) -> Reply:
        self.asked.set()
        if self.status == 201:
            self.batches.append([line["message"] for line in request.body])
        return Reply(self.status, b"null")

    @property
    def messages(self) -> list[str]:
        return [message for batch in self.batches for message in batch]


def test_lines_of_a_run_reach_the_server_before_the_flow_returns(server: FakeServer) -> None:
    @flow
    def chatty() -> None:
        for number in range(50):
            get_run_logger().warning("line %s", number)

    chatty()
    lines = [line for line in server.logs if line.message.startswith("line ")]
    assert [line.message for line in lines] == [f"line {number}" for number in range(50)]
    assert {(line.name, line.level) for line in lines} == {("flowruns.flow_runs", 30)}
    assert {line.flow_run_id for line in lines} == {server.run.run.id}


def test_what_a_call_adds_to_its_line_is_kept(
    server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    @flow
    def local() -> None:
        get_run_logger().warning("here only", extra={"send_to_api": False, "order": 7})

    with caplog.at_level(logging.WARNING, "flowruns"):
        local()
    assert "here only" not in [line.message for line in server.logs]
    (record,) = [record for record in caplog.records if record.message == "here only"]
    assert (record.order, record.flow_name) == (7, "local")  # type: ignore[attr-defined]


def test_a_nul_is_shown_and_an_endless_line_cut(server: FakeServer) -> None:
    @flow
    def odd() -> None:
        get_run_logger().info("a\x00b")
        get_run_logger().info("x" * 1_000_000)

    odd()
    assert "a�b" in [line.message for line in server.logs]
    assert max(len(line.message) for line in server.logs) == 50_000


def test_lines_that_come_together_travel_together() -> None:
    receiver, shipper = Receiver(), LogShipper()
    with served_by(receiver):
        for number in range(1200):
            shipper.add(_line(str(number)))
        shipper.flush()
    assert receiver.messages == [str(number) for number in range(1200)]
    assert len(receiver.batches) <= 4


def test_a_full_batch_waits_for_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "GATHERING_SECONDS", 60.0)
    receiver, shipper = Receiver(), LogShipper()
    with served_by(receiver):
        for number in range(shipper.most_per_batch):
            shipper.add(_line(str(number)))
        assert receiver.asked.wait(10)
        shipper.flush()
    assert [len(batch) for batch in receiver.batches] == [shipper.most_per_batch]


def test_batches_are_bounded_by_their_size_too() -> None:
    receiver, shipper = Receiver(), LogShipper()
    with served_by(receiver):
        for _ in range(5):
            shipper.add(_line("x" * 200_000))
        shipper.flush()
    assert [len(batch) for batch in receiver.batches] == [2, 2, 1]


def test_a_server_that_is_away_costs_no_line_and_no_time() -> None:
    receiver, shipper = Receiver(), LogShipper()
    receiver.status = 503
    with served_by(receiver):
        shipper.add(_line("first"))
        shipper.flush(timeout=5)
        assert receiver.messages == []
        receiver.status = 201
        shipper.add(_line("second"))
        shipper.flush()
    assert receiver.messages == ["first", "second"]


def test_the_buffer_is_bounded_and_the_oldest_give_way_but_for_those_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shipping, "MOST_ITEMS", 3)
    receiver, shipper = Receiver(), LogShipper()
    receiver.status = 503
    with served_by(receiver):
        for number in range(3):
            shipper.add(_line(str(number)))
        shipper.flush()
        for number in range(3, 9):
            shipper.add(_line(str(number)))
        receiver.asked.clear()
        shipper.flush()
        receiver.status = 201
        shipper.flush()
    assert receiver.messages == ["0", "1", "2", "6", "7", "8"]


def test_lines_that_the_server_refuses_are_dropped_and_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    receiver, shipper = Receiver(), LogShipper()
    receiver.status = 422
    with served_by(receiver):
        for _ in range(2):
            shipper.add(_line("refused"))
            shipper.flush()
    assert capsys.readouterr().err.count("log lines were not stored") == 1


def test_the_thread_ends_when_there_is_nothing_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(shipping, "GATHERING_SECONDS", 0.01)
    receiver, shipper = Receiver(), LogShipper()
    with served_by(receiver):
        shipper.add(_line("only"))
        thread = shipper._thread
        assert thread is not None
        thread.join(5)
    assert not thread.is_alive()
    assert receiver.messages == ["only"]


def test_prints_go_to_the_log_and_other_files_stay_theirs(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    @flow(log_prints=True)
    def loud() -> str:
        elsewhere = io.StringIO()
        print("to the log", 1)
        print("a", "b", sep="")
        print("kept", file=elsewhere)
        print("error", file=sys.stderr)
        return elsewhere.getvalue()

    assert loud() == "kept\n"
    messages = [line.message for line in server.logs]
    assert {"to the log 1", "ab", "error"} <= set(messages)
    assert "to the log" not in capsys.readouterr().out


def test_print_is_itself_again_after_the_flow(server: FakeServer) -> None:
    before = print

    @flow(log_prints=True)
    def loud() -> None:
        assert print is not before

    loud()
    assert print is before


def test_what_is_no_run_prints_as_ever(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    @flow(log_prints=True)
    def loud() -> None:
        thread = threading.Thread(target=print, args=("bystander",))
        thread.start()
        thread.join()

    loud()
    assert "bystander" in capsys.readouterr().out


def test_the_console_names_the_run() -> None:
    formatter = run_logs._ConsoleFormatter("%(run)s - %(message)s")
    record = logging.LogRecord("flowruns", 20, "", 1, "hello", None, None)
    assert formatter.format(record) == "flowruns - hello"
    record.flow_run_name = "calm-otter"
    assert formatter.format(record) == "Flow run 'calm-otter' - hello"
    record.task_run_name = "charge-1"
    assert formatter.format(record) == "Task run 'charge-1' - hello"


def test_a_program_that_logs_itself_gets_no_second_console(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logger = logging.getLogger("flowruns")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logging.NOTSET)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    run_logs.set_up.__wrapped__()
    assert [type(handler).__name__ for handler in logger.handlers] == [
        "ShippingHandler",
        "StreamHandler",
    ]
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(root, "handlers", [logging.NullHandler()])
    run_logs.set_up.__wrapped__()
    assert len(logger.handlers) == 1


def test_a_line_that_cannot_be_written_breaks_nothing(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)

    @flow
    def clumsy() -> int:
        get_run_logger().info("%d", "no number")
        return 1

    assert clumsy() == 1


def test_lines_are_sent_again_as_the_batch_that_they_were() -> None:
    keys: list[tuple[str, int]] = []
    shipper = LogShipper()

    def answer(request: Send) -> Reply:
        keys.append((request.headers["idempotency-key"], len(request.body)))
        return Reply(503 if len(keys) == 1 else 201, b"null")

    with served_by(answer):
        shipper.add(_line("first"))
        shipper.flush()
        shipper.add(_line("second"))
        shipper.flush()
    first, again, second = keys
    assert first == again
    assert first[1] == second[1] == 1
    assert first[0] != second[0]
