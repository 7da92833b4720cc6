"""The loops, on a clock that only they move."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flowruns.management import loops
from flowruns.management.loops import Agenda, run_loop, running_loops
from flowruns.pubsub import outages
from flowruns.pubsub.commits import CommitWatch
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
    run_loop(service, seconds, clock, new_record())
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
    run_loop(service, 1, Clock(1), record)
    assert record.succeeded_at
    assert (record.failures, record.error) == (0, "")
    run_loop(service, 1, Clock(2), record)
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


class Watch(CommitWatch):
    """A watch that tells how long it was waited for, and waits not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, *, beyond: int, seconds: float) -> None:
        if self.count <= beyond:
            self.waits.append(round(seconds))


def play_agenda(moments: list[timedelta | None], watch: Watch) -> int:
    """Do a round for each moment, counted from now, and return how often the service was called."""
    called: list[int] = []
    coming = iter(moments)

    def find_moment() -> datetime | None:
        moment = next(coming)
        return None if moment is None else datetime.now(UTC) + moment

    agenda = Agenda(lambda: called.append(1), find_moment, commits=watch, stop=threading.Event())
    for _ in moments:
        agenda.do_round()
        agenda.wait(0)
    return len(called)


def test_a_loop_that_has_nothing_to_do_sleeps_until_its_moment_but_not_for_long() -> None:
    watch = Watch()
    assert play_agenda([timedelta(seconds=4), timedelta(hours=1), None], watch) == 0
    assert watch.waits == [4, 15, 15]


def test_a_loop_that_has_had_something_to_do_looks_again_after_its_pause() -> None:
    watch = Watch()
    assert play_agenda([timedelta(0), timedelta(seconds=-9), None], watch) == 2
    assert watch.waits == [15]


def test_a_commit_while_a_loop_looks_lets_it_look_again() -> None:
    watch, looks = Watch(), list[int]()

    def find_moment() -> None:
        looks.append(1)
        watch.count += 1

    agenda = Agenda(lambda: None, find_moment, commits=watch, stop=threading.Event())
    for _ in range(3):
        agenda.do_round()
        agenda.wait(0)
    assert (len(looks), watch.waits) == (3, [])


def test_a_loop_that_cannot_look_is_not_put_to_sleep() -> None:
    watch = Watch()

    def find_moment() -> None:
        raise OSError

    agenda = Agenda(lambda: None, find_moment, commits=watch, stop=threading.Event())
    with pytest.raises(OSError):  # noqa: PT011 -- the one above
        agenda.do_round()
    agenda.wait(0)
    assert watch.waits == []


def test_a_sleeping_loop_ends_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = threading.Event()
    services: dict[str, object] = {"some.service": lambda: None, "some.moment": looked.set}
    monkeypatch.setattr(loops, "import_string", services.__getitem__)
    with running_loops({"some.service": 0.001}, moments={"some.service": "some.moment"}):
        assert looked.wait(5)
        [loop] = [thread for thread in threading.enumerate() if thread.name == "some.service"]
    assert not loop.is_alive()
