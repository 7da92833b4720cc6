"""Serve flows: register their deployments, run what is scheduled, each run in its own process."""

import asyncio
import logging
import signal
import threading
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk.calls import deployments as deployment_calls
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.config import ServingConfig, load_serving_config
from flowruns.sdk.errors import FlowRunsError, ServerError
from flowruns.sdk.reporting import logs as run_logs
from flowruns.sdk.serving.deployments import RunnerDeployment
from flowruns.sdk.serving.entrypoints import is_loading
from flowruns.sdk.serving.process import RunProcess
from flowruns.sdk.serving.spares import Spares
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.drive import AsyncConnection, arun

MOST_RUNS = 5
# A server that held the last question may be asked again a second after it.
HELD_PAUSE_SECONDS = 1.0
# A run that is due so soon is started now: its process needs a moment, and waits for its time.
PREFETCH = timedelta(seconds=5)
# How often a process that has no room for another run asks all the same.
FULL_SECONDS = 30.0
# What a run that was told to end has to report it.
ENDING_SECONDS = 10.0

_log = logging.getLogger("flowruns.serving")


def serve(
    *deployments: RunnerDeployment, limit: int | None = None, pause_on_shutdown: bool = True
) -> None:
    """Register deployments and run their scheduled runs until told to end; as Prefect 3.9.

    Each run gets a process of its own, `limit` at a time (5 by default). However many processes
    serve a deployment, each run is taken once. A server that holds requests tells of a new or
    resumed run at once; another is asked every FLOWRUNS_SERVE_POLL_SECONDS. A run whose process
    dies is marked as crashed, with the exit code.

    On SIGTERM or Ctrl-C no more runs are taken, and those in progress have
    FLOWRUNS_SERVE_GRACE_SECONDS to finish before they are ended; a second signal ends them now.
    With `pause_on_shutdown` the schedules of the deployments rest then, until served again.
    A run that is cancelled has its process told to end, with the same grace.

    Raises FlowNotServable, ServerUnreachable or NotAuthorized.

    Example: `serve(refund.to_deployment("desk"), promote.to_deployment("desk"))`
    """
    asyncio.run(aserve(*deployments, limit=limit, pause_on_shutdown=pause_on_shutdown))


async def aserve(
    *deployments: RunnerDeployment, limit: int | None = None, pause_on_shutdown: bool = True
) -> None:
    """Serve deployments from async code: `serve`, which says more.

    Example: `await aserve(refund.to_deployment("desk"))`
    """
    if is_loading():
        raise FlowRunsError(
            "serve() was called by an import; put it under if __name__ == '__main__'"
        )
    run_logs.set_up()
    async with AsyncConnection() as connection:
        served = {await arun(each.register(), connection): each.entrypoint for each in deployments}
        for each in deployments:
            _log.info("Serving %r", each.full_name)
        runner = Runner(served, connection, load_serving_config(), limit or MOST_RUNS)
        with _told_to_end_by_signals(runner):
            await runner.serve()
        if pause_on_shutdown:
            await _pause_schedules(served, connection)


async def _pause_schedules(deployment_ids: Iterable[UUID], connection: AsyncConnection) -> None:
    _log.info("Pausing the schedules of what was served.")
    for deployment_id in deployment_ids:
        with suppress(ServerError):  # deleted meanwhile, or the server is away: we are leaving
            await arun(deployment_calls.pause_deployment(deployment_id), connection)


@dataclass(slots=True)
class Runner:
    """Starts the due runs of `served`, entrypoints by the id of their deployment."""

    served: dict[UUID, str]
    connection: AsyncConnection
    config: ServingConfig
    limit: int
    runs: "dict[UUID, asyncio.Task[None]]" = field(default_factory=dict)
    processes: dict[UUID, RunProcess] = field(default_factory=dict)
    spares: Spares = field(default_factory=Spares)
    told_to_end: asyncio.Event = field(default_factory=asyncio.Event)
    told_twice: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Take no more runs; said again, end those in progress."""
        (self.told_twice if self.told_to_end.is_set() else self.told_to_end).set()

    async def serve(self) -> None:
        """Run what is scheduled until told to end, then let it finish."""
        self.spares.prepare()
        try:
            while not self.told_to_end.is_set():
                if len(self.runs) < self.limit:
                    await self._unless_told(self._take_due())
                else:
                    await self._unless_told(self._wait_for_room())
        finally:
            await self._finish()

    async def _unless_told(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do `work`, or give it up when told to end."""
        told, doing = asyncio.ensure_future(self.told_to_end.wait()), asyncio.ensure_future(work)
        try:
            await asyncio.wait({told, doing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            doing.cancel()
        with suppress(asyncio.CancelledError):
            await doing

    async def _wait_for_room(self) -> None:
        """Wait until a run has finished, and let the server know meanwhile that somebody serves."""
        while len(self.runs) >= self.limit:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait(self.runs.values(), timeout=FULL_SECONDS, return_when=first)
            if len(self.runs) >= self.limit:
                await arun(deployment_calls.get_scheduled_flow_runs(self.served), self.connection)

    async def _take_due(self) -> None:
        """Ask for runs and start as many as there is room for; sleep where none was taken."""
        asking = deployment_calls.get_scheduled_flow_runs(self.served, hold=wire.MAX_HOLD_SECONDS)
        scheduled, was_held = await arun(asking, self.connection)
        due = [run for run in scheduled if run.id not in self.runs and _is_due(run)]
        takes = [self._start(run) for run in due[: self.limit - len(self.runs)]]
        if not any(await asyncio.gather(*takes)):
            await asyncio.sleep(HELD_PAUSE_SECONDS if was_held else self.config.poll)

    def _start(self, run: FlowRun) -> "asyncio.Future[bool]":
        """Begin to take and run `run`; the future tells whether it was taken."""
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._run(run, taken))
        self.runs[run.id] = task
        task.add_done_callback(lambda _: self._forget(run, taken))
        return taken

    def _forget(self, run: FlowRun, taken: "asyncio.Future[bool]") -> None:
        task = self.runs.pop(run.id)
        if not taken.done():
            taken.set_result(False)
        if not task.cancelled() and (error := task.exception()):
            _log.error("The flow run %r was not run: %s", run.name, error)

    async def _run(self, run: FlowRun, taken: "asyncio.Future[bool]") -> None:
        """Take `run` and play it in a process of its own."""
        # The server lets one of those who propose this win.
        pending: State[Any] = State(type=StateType.PENDING)
        proposal = flow_runs.set_flow_run_state(run.id, pending, is_heartbeat=True)
        result = await arun(proposal, self.connection)
        is_ours = result.status is wire.SetStateStatus.ACCEPT
        if not taken.done():
            taken.set_result(is_ours)
        if not is_ours:
            return
        assert run.deployment_id is not None  # noqa: S101 -- it was asked for by deployment
        entrypoint = self.served[run.deployment_id]
        process = RunProcess(run, entrypoint, self.connection, self.config, self.spares)
        self.processes[run.id] = process
        try:
            await process.play()
        finally:
            del self.processes[run.id]

    async def _finish(self) -> None:
        """Let the runs finish for the time of grace, then end them, kindly at first."""
        await self.spares.end()
        if self.runs:
            _log.info("Told to end; %s flow runs may finish first.", len(self.runs))
        await self._wait_for_runs(self.config.grace, unless=self.told_twice)
        self._signal(signal.SIGTERM)
        await self._wait_for_runs(ENDING_SECONDS)
        self._signal(signal.SIGKILL)
        await self._wait_for_runs(ENDING_SECONDS)

    async def _wait_for_runs(self, seconds: float, unless: asyncio.Event | None = None) -> None:
        if not self.runs:
            return
        finished = asyncio.ensure_future(asyncio.wait(self.runs.values()))
        given_up = asyncio.ensure_future((unless or asyncio.Event()).wait())
        both = {finished, given_up}
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for each in both:
            each.cancel()

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes.values():
            process.send_signal(number)


def _is_due(run: FlowRun) -> bool:
    """Whether to start `run` now; one that its own process will try again is not ours to take."""
    start = run.next_scheduled_start_time
    if start is None or start > datetime.now(UTC) + PREFETCH:
        return False
    return run.state_name != "AwaitingRetry" or run.empirical_policy.retry_type != "in_process"


@contextmanager
def _told_to_end_by_signals(runner: Runner) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the runner, where this is the thread that gets signals."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in numbers:
        loop.add_signal_handler(number, runner.end)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
