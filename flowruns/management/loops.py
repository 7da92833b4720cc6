"""Running services again and again, each in a thread of its own, until told to stop.

A service of which is known when it has something to do next sleeps until then, or until something
is committed. So loops cost next to nothing while nothing happens.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from django.db import connection
from django.utils.module_loading import import_string

from flowruns.models.connections import let_connections_go
from flowruns.pubsub import outages
from flowruns.pubsub.commits import CommitWatch
from flowruns.services.upkeep.rounds import NOTE_SECONDS, LoopRecord, note_rounds

_LONGEST_PAUSE_SECONDS = 5.0
_STOP_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_FIRST_NOTE_SECONDS = 5.0
# Whatever the clock and the database say, each loop looks that often: the net, and a sign of life.
_LONGEST_SLEEP_SECONDS = 15.0

type FindMoment = Callable[[], datetime | None]
# What a round is done within, made of the loop's dotted name
type Around = Callable[[str], AbstractContextManager[object]]

_log = logging.getLogger(__name__)


class Rest(Protocol):
    """What a loop does between its rounds."""

    def wait(self, timeout: float, /) -> bool:
        """Wait so many seconds or longer, and return whether the loop is to end."""


class Agenda:
    """Does a service when it has something to do, and waits until it may have.

    `find_moment` returns when that is, as the database stands: None for never, too early rather
    than too late. A moment that a round leaves in the past is met by a round after each pause.
    """

    def __init__(
        self,
        service: Callable[[], object],
        find_moment: FindMoment,
        *,
        commits: CommitWatch,
        stop: threading.Event,
    ) -> None:
        self._service = service
        self._find_moment = find_moment
        self._commits = commits
        self._stop = stop
        self._looked_at = -1
        self._moment: datetime | None = None

    def do_round(self) -> None:
        looked_at, self._looked_at = self._commits.count, -1
        self._moment = self._find_moment()
        if self._moment is not None and self._moment <= datetime.now(UTC):
            self._service()
        else:
            self._looked_at = looked_at

    def wait(self, timeout: float, /) -> bool:
        if self._stop.wait(timeout):
            return True
        self._commits.wait(beyond=self._looked_at, seconds=self._count_seconds())
        return self._stop.is_set()

    def _count_seconds(self) -> float:
        if self._moment is None:
            return _LONGEST_SLEEP_SECONDS
        left = (self._moment - datetime.now(UTC)).total_seconds()
        return min(max(left, 0.0), _LONGEST_SLEEP_SECONDS)


@contextmanager
def running_loops(
    loops: Mapping[str, float],
    *,
    copies: Mapping[str, int] | None = None,
    moments: Mapping[str, str] | None = None,
    around: Around = nullcontext,
) -> Iterator[threading.Event]:
    """Call each dotted function every so many seconds while the block runs.

    `copies` says of which of them several run, each beginning a little after the other. `moments`
    names the functions that say when some have something to do next: these sleep until then. What
    is called is called within what `around` makes of its name.
    Yields the event that stops the loops; it is set at the end of the block. What they have done
    is written down meanwhile, so that others see when one stands still.
    """
    stop, commits = threading.Event(), CommitWatch()
    records = [_begin_record(name) for name in loops]
    threads = list(
        _make_threads(loops, records, copies or {}, moments or {}, around, commits, stop)
    )
    noting = _begin_record(note_rounds.__name__)
    note = _within(around, noting.loop, partial(note_rounds, records, host=socket.gethostname()))
    threads.append(_make_thread(note, NOTE_SECONDS, stop, noting, first=_FIRST_NOTE_SECONDS))
    if moments:
        look = _begin_record(commits.look.__name__)
        threads.append(
            _make_thread(_within(around, look.loop, commits.look), _LOOK_SECONDS, stop, look)
        )
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        commits.end()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _make_threads(
    loops: Mapping[str, float],
    records: Sequence[LoopRecord],
    copies: Mapping[str, int],
    moments: Mapping[str, str],
    around: Around,
    commits: CommitWatch,
    stop: threading.Event,
) -> Iterator[threading.Thread]:
    for (name, seconds), record in zip(loops.items(), records, strict=True):
        service, count = _within(around, name, import_string(name)), copies.get(name, 1)
        for number in range(count):
            first = seconds * (number + 1) / count
            if name in moments:
                find = _within(around, moments[name], import_string(moments[name]))
                agenda = Agenda(service, find, commits=commits, stop=stop)
                yield _make_thread(agenda.do_round, seconds, agenda, record, first=first)
            else:
                yield _make_thread(service, seconds, stop, record, first=first)


def _within[T](around: Around, name: str, call: Callable[[], T]) -> Callable[[], T]:
    def call_within() -> T:
        with around(name):
            return call()

    return call_within


def _begin_record(name: str) -> LoopRecord:
    return LoopRecord(loop=name, started_at=datetime.now(UTC))


def _make_thread(
    service: Callable[[], object],
    seconds: float,
    rest: Rest,
    record: LoopRecord,
    *,
    first: float | None = None,
) -> threading.Thread:
    return threading.Thread(
        target=run_loop,
        args=(service, seconds, rest, record),
        kwargs={"first": first},
        name=record.loop,
        daemon=True,  # a round that hangs must not keep the process
    )


def run_loop(
    service: Callable[[], object],
    seconds: float,
    rest: Rest,
    record: LoopRecord,
    *,
    first: float | None = None,
) -> None:
    """Do a round every so many seconds; after a failure pause longer, but never give up.

    The first one comes after `first` seconds, or after as many as every other.
    A trouble that lasts, such as a database that is away, is logged once and once when it is over.
    """
    is_told, pause = False, seconds if first is None else first
    while not rest.wait(pause):
        began = time.monotonic()
        try:
            service()
        except outages.AWAY as error:
            _note_failure(record, error)
            outages.note_failure(error)
        except Exception as error:  # noqa: BLE001 -- whatever a round raises, the next one comes
            _note_failure(record, error)
            if not is_told:
                _log.exception("%s failed; it is tried again.", record.name)
            is_told = True
        else:
            outages.note_success()
            if is_told:
                _log.info("%s works again, after %s failures.", record.name, record.failures)
            record.failures, record.error, is_told = 0, "", False
            record.succeeded_at = datetime.now(UTC)
        finally:
            record.seconds = time.monotonic() - began
            pause = _pause(seconds, record.failures)
            let_connections_go()
    if not connection.in_atomic_block:
        connection.close()


def _note_failure(record: LoopRecord, error: Exception) -> None:
    record.failures += 1
    record.error = f"{type(error).__name__}: {' '.join(str(error).split())}"


def _pause(seconds: float, failures: int) -> float:
    return min(seconds * 2.0**failures, max(seconds, _LONGEST_PAUSE_SECONDS))
