"""Storing the events that come in by websockets, all of this process's in the same batches."""

import asyncio
import logging
from collections.abc import Sequence

from django.db import InterfaceError, OperationalError

from flowruns.pubsub.waiters import ask_database
from flowruns.services.events import events as services
from flowruns.wire.events import Event

_MOST_WAITING = 1_000
_BATCH = 200
_AWAY_SECONDS = 0.5
_FINISH_SECONDS = 3.0

_log = logging.getLogger(__name__)


class _Inbox:
    """The events that wait to be stored, in the event loop of the web process."""

    queue: asyncio.Queue[Event]
    added = 0
    stored = 0
    progress: asyncio.Condition


_inbox = _Inbox()


async def add(event: Event) -> None:
    """Have an event stored; waits while too many do."""
    await _inbox.queue.put(event)
    _inbox.added += 1


async def until_stored() -> None:
    """Wait until all events are stored that were added before."""
    added = _inbox.added
    async with _inbox.progress:
        await _inbox.progress.wait_for(lambda: _inbox.stored >= added)


async def record_events() -> None:
    """Store what comes, until cancelled."""
    queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=_MOST_WAITING)
    _inbox.queue, _inbox.progress = queue, asyncio.Condition()
    _inbox.added = _inbox.stored = 0
    while True:
        batch = [await queue.get()]
        while len(batch) < _BATCH and not queue.empty():
            batch.append(queue.get_nowait())
        await _store(batch)
        for _ in batch:
            queue.task_done()
        async with _inbox.progress:
            _inbox.stored += len(batch)
            _inbox.progress.notify_all()


async def finish() -> None:
    """Wait until all that came is stored, but not long."""
    try:
        async with asyncio.timeout(_FINISH_SECONDS):
            await _inbox.queue.join()
    except TimeoutError:
        _log.warning("%s events were not stored before the end.", _inbox.queue.qsize())


async def _store(batch: Sequence[Event]) -> None:
    """Store a batch; where the database refuses it, what can be stored of it."""
    try:
        await _store_patiently(batch)
    except Exception:  # noqa: BLE001 -- whatever is wrong with one event, the others are stored
        if len(batch) == 1:
            _log.exception("The event %s cannot be stored.", batch[0].id)
            return
        for event in batch:
            await _store([event])


async def _store_patiently(batch: Sequence[Event]) -> None:
    """Store a batch, as often as it takes until the database is there."""
    is_told = False
    while True:
        try:
            await ask_database(lambda: services.record_events(batch))
        except (InterfaceError, OperationalError) as error:
            if not is_told:
                _log.warning("Events wait for the database: %s", error)
            is_told = True
            await asyncio.sleep(_AWAY_SECONDS)
        else:
            return
