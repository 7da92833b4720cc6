"""Running services again and again, each in a thread of its own, until told to stop."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.db import connection
from django.utils.module_loading import import_string

from flowruns.models.connections import let_connections_go
from flowruns.pubsub import outages

_LONGEST_PAUSE_SECONDS = 5.0
_STOP_SECONDS = 1.0

_log = logging.getLogger(__name__)


@contextmanager
def running_loops(
    loops: Mapping[str, float], *, copies: Mapping[str, int] | None = None
) -> Iterator[threading.Event]:
    """Call each dotted function every so many seconds while the block runs.

    `copies` says of which of them several run at once. Yields the event that stops the loops; it
    is set at the end of the block.
    """
    stop = threading.Event()
    threads = [
        threading.Thread(
            target=run_loop,
            args=(import_string(name), seconds, stop),
            name=name,
            daemon=True,  # a round that hangs must not keep the process
        )
        for name, seconds in loops.items()
        for _ in range((copies or {}).get(name, 1))
    ]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def run_loop(service: Callable[[], object], seconds: float, stop: threading.Event) -> None:
    """Do a round every so many seconds; after a failure pause longer, but never give up.

    A trouble that lasts, such as a database that is away, is logged once and once when it is over.
    """
    failures, is_told = 0, False
    while not stop.wait(_pause(seconds, failures)):
        try:
            service()
        except outages.AWAY as error:
            failures += 1
            outages.note_failure(error)
        except Exception:  # noqa: BLE001 -- whatever a round raises, the next one comes
            failures += 1
            if not is_told:
                _log.exception("%s failed; it is tried again.", _name(service))
            is_told = True
        else:
            outages.note_success()
            if is_told:
                _log.info("%s works again, after %s failures.", _name(service), failures)
            failures, is_told = 0, False
        finally:
            let_connections_go()
    if not connection.in_atomic_block:
        connection.close()


def _pause(seconds: float, failures: int) -> float:
    return min(seconds * 2.0**failures, max(seconds, _LONGEST_PAUSE_SECONDS))


def _name(service: Callable[[], object]) -> str:
    return getattr(service, "__name__", repr(service))
