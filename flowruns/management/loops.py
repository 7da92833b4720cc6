"""Running services again and again, each in a thread of its own, until told to stop."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from django.db import connection
from django.utils.module_loading import import_string

from flowruns.models.connections import let_connections_go
from flowruns.pubsub import outages
from flowruns.services.upkeep.rounds import NOTE_SECONDS, LoopRecord, note_rounds

_LONGEST_PAUSE_SECONDS = 5.0
_STOP_SECONDS = 1.0

_log = logging.getLogger(__name__)


@contextmanager
def running_loops(
    loops: Mapping[str, float], *, copies: Mapping[str, int] | None = None
) -> Iterator[threading.Event]:
    """Call each dotted function every so many seconds while the block runs.

    `copies` says of which of them several run, each beginning a little after the other. Yields the
    event that stops the loops; it is set at the end of the block. What they have done is written
    down meanwhile, so that others see when one stands still.
    """
    stop = threading.Event()
    records = [_begin_record(name) for name in loops]
    threads = [
        _make_thread(
            import_string(name), seconds, stop, record, first=seconds * (number + 1) / count
        )
        for (name, seconds), record in zip(loops.items(), records, strict=True)
        for count in [(copies or {}).get(name, 1)]
        for number in range(count)
    ]
    note = partial(note_rounds, records, host=socket.gethostname())
    threads.append(_make_thread(note, NOTE_SECONDS, stop, _begin_record(note_rounds.__name__)))
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _begin_record(name: str) -> LoopRecord:
    return LoopRecord(loop=name, started_at=datetime.now(UTC))


def _make_thread(
    service: Callable[[], object],
    seconds: float,
    stop: threading.Event,
    record: LoopRecord,
    *,
    first: float | None = None,
) -> threading.Thread:
    return threading.Thread(
        target=run_loop,
        args=(service, seconds, stop, record),
        kwargs={"first": first},
        name=record.loop,
        daemon=True,  # a round that hangs must not keep the process
    )


def run_loop(
    service: Callable[[], object],
    seconds: float,
    stop: threading.Event,
    record: LoopRecord,
    *,
    first: float | None = None,
) -> None:
    """Do a round every so many seconds; after a failure pause longer, but never give up.

    The first one comes after `first` seconds, or after as many as every other.
    A trouble that lasts, such as a database that is away, is logged once and once when it is over.
    """
    is_told, pause = False, seconds if first is None else first
    while not stop.wait(pause):
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
