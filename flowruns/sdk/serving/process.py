"""One run that a serving process has taken: in a process of its own, which may be told to end."""

import asyncio
import json
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.waiting import ATTENDING_SECONDS, Watch
from flowruns.sdk.config import ServingConfig
from flowruns.sdk.errors import FlowRunsError, ObjectNotFound, StateHasChanged
from flowruns.sdk.serving.spares import Spares, tell
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.drive import AsyncConnection, arun
from flowruns.sdk.steps.steps import Steps

type Supervise = Callable[[], Coroutine[Any, Any, None]]

# What a process has that only imports the flow and calls its hooks.
HOOKS_SECONDS = 60.0

_log = logging.getLogger("flowruns.serving")


@dataclass(slots=True)
class RunProcess:
    """The process of `run`, whose flow is at `entrypoint`."""

    run: FlowRun
    entrypoint: str
    connection: AsyncConnection
    config: ServingConfig
    spares: Spares
    _process: asyncio.subprocess.Process | None = field(init=False, default=None)

    async def play(self) -> None:
        """Run it to its end, and tell the server if its process died."""
        _log.info("Starting flow run %r", self.run.name)
        exit_code = await self._play(self._end_when_cancelled)
        if exit_code and await self._is_being_cancelled():
            # It ended before it could do so itself: another one calls the hooks and reports.
            exit_code = await self._play(lambda: self._kill_after(HOOKS_SECONDS))
        if exit_code:
            await arun(report_death(self.run.id, exit_code), self.connection)

    def send_signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _play(self, supervise: Supervise) -> int:
        self._process = await self.spares.take()
        await tell(self._process, json.dumps([str(self.run.id), self.entrypoint]))
        supervision = asyncio.create_task(supervise())
        try:
            exit_code = await self._process.wait()
        finally:
            supervision.cancel()
        _log.info("The process of flow run %r ended with exit code %s", self.run.name, exit_code)
        return exit_code

    async def _end_when_cancelled(self) -> None:
        """Tell the process to end, kindly at first, when somebody cancels the run.

        Meanwhile the server hears that somebody is there, also before the run has started. A flow
        that waits for a person hears of it by itself: it has the time of grace to clean up, and
        after a rejection all the time that it wants.
        """
        watch = Watch(
            flow_run_id=self.run.id,
            poll_interval=self.config.poll,
            is_heartbeat=True,
            longest_hold=ATTENDING_SECONDS,
        )
        with suppress(FlowRunsError):  # the run was deleted, or its server shuts us out
            was_paused = False
            while run := await arun(watch.next_change(), self.connection):
                if run.state and (run.state.is_cancelling() or run.state.is_cancelled()):
                    break
                was_paused = run.state is not None and run.state.is_paused()
            if was_paused and run and run.state and run.state.is_final():
                return
            if was_paused:
                await asyncio.sleep(self.config.grace)
            _log.info("The flow run %r is cancelled; its process is told to end.", self.run.name)
            self.send_signal(signal.SIGTERM)
            await self._kill_after(self.config.grace)

    async def _kill_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.send_signal(signal.SIGKILL)

    async def _is_being_cancelled(self) -> bool:
        try:
            state = (await arun(flow_runs.read_flow_run(self.run.id), self.connection)).state
        except ObjectNotFound:
            return False
        return state is not None and state.is_cancelling()


def report_death(flow_run_id: UUID, exit_code: int) -> Steps[None]:
    """Mark a run as crashed whose process died, unless its state says that it has left the run."""
    while True:
        try:
            state = (yield from flow_runs.read_flow_run(flow_run_id)).state
            if state is None or _is_left(state):
                return
            yield from flow_runs.propose_state(
                flow_run_id, _death(state, exit_code), instead_of=state.id
            )
        except StateHasChanged:
            continue
        except ObjectNotFound:
            return
        return


def _is_left(state: State[Any]) -> bool:
    """Whether a run in `state` needs no process: it has ended, or another one will go on."""
    return state.is_final() or state.is_scheduled() or state.state_details.pause_reschedule


def _death(state: State[Any], exit_code: int) -> State[Any]:
    kind = StateType.CANCELLED if state.is_cancelling() else StateType.CRASHED
    name = ""
    if exit_code < 0:
        with suppress(ValueError):
            name = f" ({signal.Signals(-exit_code).name})"
    message = f"Flow run process exited with non-zero status code {exit_code}{name}."
    return State(type=kind, message=message)
