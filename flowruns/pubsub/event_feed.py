"""Events and log lines on their way to those who listen, from whichever process stored them.

With PostgreSQL a commit notifies every process of the ids of what it stored. Notifications come
in the order of commits, each once, so that there is no counter with gaps to fall into where
transactions end in another order than they began. SQLite commits one transaction after the
other: there the numbers of rows are that order, and a process reads what lies beyond the last
that it has seen.

A listener is a bounded queue in the event loop of the web process: no thread, no connection.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import batched
from uuid import UUID

from django.db import DatabaseError, connection, models, transaction

from flowruns.models import Event, LogLine
from flowruns.pubsub import listening
from flowruns.pubsub.waiters import ask_database

_IDS_PER_NOTICE = 200  # a notification holds less than 8,000 bytes
_ROWS_PER_READ = 500
_REMEMBERED = 20_000
_MOST_QUEUED = 2_000


class ListenerTooSlow(Exception):
    """The listener did not take what came"""


class FeedInterrupted(Exception):
    """Nobody knows what was committed meanwhile"""


@dataclass(slots=True, eq=False)
class Listener[Row: models.Model]:
    """Takes the rows that it wants, up to a bound."""

    wants: Callable[[Row], bool]
    has_begun: bool = False
    _queue: deque[Row] = field(default_factory=deque)
    _end: Exception | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, row: Row) -> None:
        if self._end is not None or not self.wants(row):
            return
        self._queue.append(row)
        self._news.set()
        if len(self._queue) > _MOST_QUEUED:
            self._queue.clear()
            self.end(ListenerTooSlow())

    def end(self, reason: Exception) -> None:
        """Let the listener hear no more than it has, and then why."""
        self._end = self._end or reason
        self._news.set()

    async def next(self) -> Row:
        """Return the next row; raises `ListenerTooSlow` and `FeedInterrupted`."""
        while not self._queue:
            if self._end is not None:
                raise self._end
            self._news.clear()
            await self._news.wait()
        return self._queue.popleft()


class Feed[Row: models.Model]:
    """The rows of one table as they are committed."""

    def __init__(self, model: type[Row], channel: str) -> None:
        self._model = model
        self._channel = channel
        self._listeners: set[Listener[Row]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._has_unread = False
        # On PostgreSQL, what is still to be read, and what was told before
        self._told: deque[UUID] = deque()
        self._lately: OrderedDict[UUID, None] = OrderedDict()
        # On SQLite, of the last row that was offered; None while nobody listens
        self._last_number: int | None = None

    @property
    def audience(self) -> listening.Audience:
        return listening.Audience(
            channel=self._channel,
            hear=self._hear,
            catch_up=self._catch_up,
            is_there=lambda: bool(self._listeners),
        )

    def announce(self, ids: Iterable[UUID]) -> None:
        """Tell all processes of rows, with the commit of the transaction that stores them."""
        if connection.vendor != "postgresql":
            transaction.on_commit(self._look_for_listeners, robust=True)
            return
        with connection.cursor() as cursor:
            for some in batched(ids, _IDS_PER_NOTICE):
                text = " ".join(row_id.hex for row_id in some)
                cursor.execute("SELECT pg_notify(%s, %s)", [self._channel, text])

    def _look_for_listeners(self) -> None:
        """Look at what was committed, unless nobody listens; one who comes looks by themselves."""
        if self._listeners:
            listening.look_now()

    @asynccontextmanager
    async def listening(self, wants: Callable[[Row], bool]) -> AsyncIterator[Listener[Row]]:
        """Listen for rows that are committed from now on.

        Read inside what was committed before: a row in between comes both ways, none is lost.
        """
        listener = Listener(wants)
        self._listeners.add(listener)
        listening.look_now()
        try:
            if connection.vendor == "sqlite":
                await self._find_beginning()
            listener.has_begun = True
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._told.clear()
                self._last_number = None

    def count_listeners(self) -> int:
        return sum(listener.has_begun for listener in self._listeners)

    def interrupt(self) -> None:
        """End all listeners, who may listen anew: something may have been missed."""
        for listener in tuple(self._listeners):
            listener.end(FeedInterrupted())

    async def _find_beginning(self) -> None:
        """Begin after the last row; where several begin at once, with the first to know it."""
        last = await ask_database(self._read_last_number)
        if self._last_number is None:
            self._last_number = last
        self._read_soon()

    async def _hear(self, text: str) -> None:
        if self._listeners:
            self._told.extend(filter(self._is_new, map(UUID, text.split())))
            self._read_soon()

    def _is_new(self, row_id: UUID) -> bool:
        """Remember what was told: two processes may both tell of an event that both were sent."""
        if row_id in self._lately:
            return False
        self._lately[row_id] = None
        if len(self._lately) > _REMEMBERED:
            self._lately.popitem(last=False)
        return True

    async def _catch_up(self) -> None:
        if connection.vendor == "postgresql":
            self.interrupt()
        elif self._last_number is not None:
            self._read_soon()

    def _read_soon(self) -> None:
        """Read in a task of its own, so that nobody who hears of states waits for it."""
        self._has_unread = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_on())

    async def _read_on(self) -> None:
        read = self._read_told if connection.vendor == "postgresql" else self._read_beyond
        while self._has_unread and self._listeners:
            self._has_unread = False
            try:
                rows = await read()
            except DatabaseError:
                self.interrupt()
                return
            for row in rows:
                self._offer(row)
                await asyncio.sleep(0)  # probes and pages wait for no crowd of listeners

    def _offer(self, row: Row) -> None:
        for listener in tuple(self._listeners):
            listener.offer(row)

    async def _read_told(self) -> list[Row]:
        ids = [self._told.popleft() for _ in range(min(len(self._told), _ROWS_PER_READ))]
        self._has_unread |= bool(self._told)
        return await ask_database(lambda: self._read(ids))

    async def _read_beyond(self) -> list[Row]:
        """Read the next rows of a SQLite file."""
        start = self._last_number
        if start is None:
            return []
        rows, last = await ask_database(lambda: self._read_after(start))
        if self._last_number == start:  # nobody began anew meanwhile
            self._last_number = last
        self._has_unread |= len(rows) == _ROWS_PER_READ
        return rows

    def _read_after(self, start: int) -> tuple[list[Row], int]:
        """Return rows after the one of that number, and the number of the last."""
        numbers = self._select("WHERE rowid > %s ORDER BY rowid LIMIT %s", start, _ROWS_PER_READ)
        if numbers:
            return self._read([UUID(row_id) for _, row_id in numbers]), numbers[-1][0]
        # A number is used again where the last rows were deleted
        return [], min(start, self._read_last_number())

    def _read_last_number(self) -> int:
        last = self._select("ORDER BY rowid DESC LIMIT 1")
        return last[0][0] if last else 0

    def _select(self, rest: str, *params: int) -> list[tuple[int, str]]:
        with connection.cursor() as cursor:
            table = self._model._meta.db_table  # noqa: SLF001 -- Django's public name
            cursor.execute(f"SELECT rowid, id FROM {table} {rest}", params)  # noqa: S608 -- constants
            rows: list[tuple[int, str]] = cursor.fetchall()
        return rows

    def _read(self, ids: Sequence[UUID]) -> list[Row]:
        """Return rows in the order of their ids."""
        found = self._model._default_manager.in_bulk(ids)  # noqa: SLF001 -- Django's public name
        return [found[row_id] for row_id in ids if row_id in found]


events = Feed(Event, "flow_run_events")
logs = Feed(LogLine, "flow_run_logs")
