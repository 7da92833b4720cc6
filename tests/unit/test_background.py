"""The loops, on a clock that only they move."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from flowruns.management import loops
from flowruns.management.loops import run_loop, running_loops
from flowruns.pubsub import outages
from flowruns.services.upkeep.rounds import LoopRecord


class Clock:
    """Stands in for the event that stops a loop: remembers its pauses, and stops after some."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.pauses: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return len(self.pauses) > self.rounds


@pytest.fixture(autouse=True)
def no_connections(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    closed: list[int] = []
    monkeypatch.setattr(loops, "let_connections_go", lambda: closed.append(1))
    return closed


def new_record() -> LoopRecord:
    return LoopRecord(loop="upkeep.expire", started_at=datetime.now(UTC))


def play(service: Callable[[], object], rounds: int, *, seconds: float = 1) -> list[float]:
    clock = Clock(rounds)
    run_loop(service, seconds, clock, new_record())  # type: ignore[arg-type]
    return clock.pauses


def test_a_round_comes_every_so_many_seconds(no_connections: list[int]) -> None:
    assert play(lambda: None, 3) == [1, 1, 1, 1]
    assert len(no_connections) == 3


def test_a_failure_makes_longer_pauses_until_it_is_over() -> None:
    outcomes = iter([True, False, False, False, False, True, True])

    def service() -> None:
        if not next(outcomes):
            raise OSError("the database is away")

    assert play(service, 7) == [1, 1, 2, 4, 5, 5, 1, 1]


def test_a_loop_that_is_slow_by_design_is_not_hurried_by_a_failure() -> None:
    def service() -> None:
        raise OSError

    assert play(service, 2, seconds=60) == [60, 60, 60]


def test_a_trouble_that_lasts_is_told_once_and_once_when_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An outage that another test left behind is not told here
    monkeypatch.setattr(outages, "_outage", outages._Outage())
    outcomes = iter([False, False, False, True])

    def expire() -> None:
        if not next(outcomes):
            raise OSError("the database is away")

    with caplog.at_level(logging.INFO, "flowruns.management.loops"):
        play(expire, 4)
    assert [record.getMessage() for record in caplog.records] == [
        "expire failed; it is tried again.",
        "expire works again, after 3 failures.",
    ]


def test_the_end_of_the_block_ends_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = threading.Event()
    monkeypatch.setattr(loops, "import_string", lambda _: rounds.set)
    with running_loops({"some.service": 0.001}):
        assert rounds.wait(5)
        [loop] = [thread for thread in threading.enumerate() if thread.name == "some.service"]
    assert not loop.is_alive()


def test_a_loop_keeps_what_it_did_last() -> None:
    outcomes = iter([True, False, False])

    def service() -> None:
        if not next(outcomes):
            raise OSError("no \n route")

    record = new_record()
    run_loop(service, 1, Clock(1), record)  # type: ignore[arg-type]
    assert record.succeeded_at
    assert (record.failures, record.error) == (0, "")
    run_loop(service, 1, Clock(2), record)  # type: ignore[arg-type]
    assert (record.failures, record.error) == (2, "OSError: no route")


def test_of_a_loop_with_copies_one_that_is_slow_delays_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = threading.Barrier(2)
    met = threading.Event()

    def meet() -> None:
        both.wait(5)  # one alone would wait in vain
        met.set()

    monkeypatch.setattr(loops, "import_string", lambda _: meet)
    with running_loops({"some.service": 0.001}, copies={"some.service": 2}):
        assert met.wait(5)
        both.abort()
