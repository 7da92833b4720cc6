"""Waking those who hold a request until a run's state changes.

A waiter is a future in the event loop of the web process: no thread, no database connection.
It is woken by the transition's own process at once, and by other processes' through PostgreSQL's
NOTIFY, or through the counter that SQLite raises with every commit to its file.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched
from threading import Event
from uuid import UUID

from django.db import Error, connection

from flowruns.models import FlowRun
from flowruns.models.connections import let_connections_go
from flowruns.pubsub import listening

CHANNEL = "flow_run_state_changed"
_IDS_PER_QUERY = 500

# What waiters ask of the database, they ask here: a few threads serve any number of them.
_database = ThreadPoolExecutor(max_workers=4, thread_name_prefix="waiters")


class Waiter:
    """Somebody who knows a run's state and wants to hear of the next.

    `known` is None for one who waits for runs of a deployment: any change may be theirs.
    """

    def __init__(self, known: UUID | None, *, is_heartbeat: bool = False) -> None:
        self.known = known
        self.is_heartbeat = is_heartbeat
        self.loop = asyncio.get_running_loop()
        self._rings = asyncio.Event()
        self._was_woken = False

    def wake(self) -> None:
        """Wake, in the loop of the waiter; waking twice is waking once."""
        self._was_woken = True
        self._rings.set()

    async def sleep(self, *, seconds: float) -> bool:
        """Sleep until woken, at most so long, and return whether somebody woke it.

        May be called again to hear of the next change.
        """
        # A timer, which costs half of what `asyncio.timeout` does
        timer = self.loop.call_later(seconds, self._rings.set)
        try:
            await self._rings.wait()
        finally:
            timer.cancel()
        self._rings.clear()
        was_woken, self._was_woken = self._was_woken, False
        return was_woken


# Of each run or deployment those who wait for it, in the order in which they came
_waiters: dict[UUID, dict[Waiter, None]] = {}
_released = Event()


@contextmanager
def waiting_for(*ids: UUID, known: UUID | None, is_heartbeat: bool = False) -> Iterator[Waiter]:
    """Register a waiter for a run, or for runs of deployments, by their ids.

    Read what is waited for once more inside, or a change just before is missed. `is_heartbeat` says
    that the waiter is the process which runs the run.
    """
    waiter, ids = Waiter(known, is_heartbeat=is_heartbeat), tuple(set(ids))
    if not _waiters:
        listening.look_now()
    for waited_for in ids:
        _waiters.setdefault(waited_for, {})[waiter] = None
    if is_released():
        waiter.wake()
    try:
        yield waiter
    finally:
        for waited_for in ids:
            del _waiters[waited_for][waiter]
            if not _waiters[waited_for]:
                del _waiters[waited_for]


def is_there() -> bool:
    """Whether anybody waits."""
    return bool(_waiters)


def count_waiters() -> int:
    return len(set().union(*_waiters.values()))


def heartbeat_runs() -> set[UUID]:
    """Return the runs whose own processes hold a request here at this moment."""
    waiting = tuple(_waiters.items())
    return {run for run, all_of_it in waiting if any(each.is_heartbeat for each in all_of_it)}


def wake(waited_for: UUID, state_id: UUID | None = None) -> None:
    """Wake this process's waiters for a run or a deployment, from any thread.

    Those who know the state `state_id` sleep on: word of it may reach them late.
    """
    waiting = tuple(_waiters.get(waited_for, ()))
    _wake([each for each in waiting if state_id is None or each.known != state_id])


def _wake(waiters: Sequence[Waiter]) -> None:
    """Wake from any thread, with one signal to the loop, each of which costs a system call."""
    if waiters:
        waiters[0].loop.call_soon_threadsafe(_wake_here, waiters)


def _wake_here(waiters: Sequence[Waiter]) -> None:
    for waiter in waiters:
        waiter.wake()


def is_released() -> bool:
    """Whether nobody should wait any longer."""
    return _released.is_set()


def release_all() -> None:
    """Let nobody wait any longer, now or later: this process is about to end."""
    _released.set()
    for waited_for in tuple(_waiters):
        wake(waited_for)


def notify(changed: UUID, state_id: UUID | None = None) -> None:
    """Tell other processes of a change, with the commit of the transaction it is part of."""
    if connection.vendor == "postgresql":
        news = f"{changed} {state_id}" if state_id else f"{changed}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, news])


async def ask_database[T](question: Callable[[], T]) -> T:
    """Run a short question in one of the few threads."""

    def ask() -> T:
        try:
            return question()
        finally:
            let_connections_go()

    return await asyncio.get_running_loop().run_in_executor(_database, ask)


type _Answer = asyncio.Future[UUID | None]


class _StateReader:
    """Reads the states of runs; what comes while it asks the database, it asks together next."""

    def __init__(self) -> None:
        self._wanted: dict[UUID, list[_Answer]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def read(self, flow_run_id: UUID) -> UUID | None:
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(flow_run_id, []).append(answer)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        while self._wanted:
            wanted, self._wanted = self._wanted, {}
            for some in batched(wanted.items(), _IDS_PER_QUERY):
                await self._answer(dict(some))

    async def _answer(self, some: dict[UUID, list[_Answer]]) -> None:
        states, error = dict[UUID, UUID | None](), None
        try:
            states = await ask_database(lambda: _read_state_ids(tuple(some)))
        except Error as caught:
            error = caught
        for flow_run_id, answers in some.items():
            for answer in answers:
                if answer.done():  # its reader has left
                    continue
                if error is not None:
                    answer.set_exception(error)
                else:
                    answer.set_result(states.get(flow_run_id))


_reader = _StateReader()


async def read_state_id(flow_run_id: UUID) -> UUID | None:
    """Return the state that a run is in, by a query which begins after this is called.

    Raises what the database raises.
    """
    return await _reader.read(flow_run_id)


async def hear(news: str) -> None:
    """Wake the waiters for what another process says has changed."""
    wake(*map(UUID, news.split()))


async def catch_up() -> None:
    """Wake each waiter whose run is no longer in the state it knows, and those who know none."""
    for some in batched(tuple(_waiters), _IDS_PER_QUERY):
        states = await ask_database(lambda ids=some: _read_state_ids(ids))  # type: ignore[misc]
        for flow_run_id in some:
            for waiter in tuple(_waiters.get(flow_run_id, ())):
                if waiter.known is None or states.get(flow_run_id) != waiter.known:
                    waiter.wake()


def _read_state_ids(flow_run_ids: tuple[UUID, ...]) -> dict[UUID, UUID | None]:
    return dict(FlowRun.objects.filter(pk__in=flow_run_ids).values_list("pk", "state_id"))
