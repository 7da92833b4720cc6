"""Say that this process runs its flow runs, and hear when one of them goes on elsewhere."""

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import Any

from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.waiting import ATTENDING_SECONDS, Watch
from flowruns.sdk.errors import FlowRunsError
from flowruns.sdk.states import FlowRun
from flowruns.sdk.steps.drive import AsyncConnection, arun

POLL_SECONDS = 5.0
# Most runs of a script have ended by then; their first state has said that somebody is there.
UNHURRIED_SECONDS = 5.0
LAST_SECONDS = 1.0


@contextmanager
def sending_heartbeats(run: FlowRun, suspended: threading.Event) -> Iterator[None]:
    """Tell the server, while the block runs, that somebody runs `run`.

    Set `suspended` when it is suspended by somebody else, which only happens to one that has a
    deployment. A server that cannot hold requests is asked for the sake of these only.
    """
    attendance = _attendant.play(_attend(run, suspended))
    try:
        yield
    finally:
        attendance.cancel()


class _Attendant:
    """One thread with an event loop, however many runs there are."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._starting = threading.Lock()

    def play(self, coroutine: Coroutine[Any, Any, None]) -> "Future[None]":
        with self._starting:
            # The thread stays behind in the parent of a process that was forked.
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                run = self._loop.run_forever
                threading.Thread(target=run, name="flowruns-attendant", daemon=True).start()
                atexit.register(self._stop, self._loop)
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _stop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Leave no coroutine in the middle when the process ends."""
        if self._pid != os.getpid():
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(_cancel_others(), loop).result(LAST_SECONDS)


_attendant = _Attendant()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _attend(run: FlowRun, suspended: threading.Event) -> None:
    is_deployed = run.deployment_id is not None
    if not is_deployed:
        await asyncio.sleep(UNHURRIED_SECONDS)
    watch = Watch(
        flow_run_id=run.id,
        poll_interval=POLL_SECONDS,
        known=run.state,
        is_heartbeat=True,
        longest_hold=ATTENDING_SECONDS,
        only_held=not is_deployed,
    )
    # Without the run or the server there is nothing to hear; the run's own calls say so.
    with suppress(FlowRunsError):
        async with AsyncConnection() as connection:
            while changed := await arun(watch.next_change(), connection):
                if changed.state is None or changed.state.is_final():
                    return
                if is_deployed and await _is_left(run, connection):
                    suspended.set()
                    return


async def _is_left(run: FlowRun, connection: AsyncConnection) -> bool:
    """Whether the run has been suspended, or begun anew, since this process took it.

    The history tells, where another process was so quick that nobody here saw the state itself.
    """
    history = await arun(flow_runs.read_flow_run_states(run.id), connection)
    taken = run.state.id if run.state else None
    since = next((n for n, state in enumerate(history) if state.id == taken), 0)
    return any(
        state.is_left_for_another_process() or (before.is_final() and state.is_scheduled())
        for before, state in pairwise(history[since:])
    )
