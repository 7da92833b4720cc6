"""A flow run in progress on a fake server, for steps that are played by hand."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.context import FlowRunContext, in_flow_run
from flowruns.sdk.inputs.pausing import pause_steps
from flowruns.sdk.states import State
from flowruns.sdk.steps.drive import Connection
from flowruns.sdk.steps.steps import Steps
from flowruns.testing import FakeRun, FakeServer
from tests.rehearsal import MIDNIGHT, Away, Rehearsal


class PausedFlow:
    """One running flow run; `pause` plays a pause of it to its end."""

    def __init__(self, *, holds: bool = True) -> None:
        self.server = FakeServer()
        self.away = Away(self.server.handle)
        self.stage = Rehearsal(self.away, holds=holds)
        self.server._now = self.stage.now
        self.context = self._begin()
        self.stage.sent.clear()

    def _begin(self) -> FlowRunContext:
        def steps() -> Steps[Any]:
            flow_id = yield from flow_runs.create_flow("refund")
            run = yield from flow_runs.create_flow_run(wire.FlowRunCreate(flow_id=flow_id))
            yield from flow_runs.propose_state(run.id, State(type=StateType.RUNNING))
            return run

        logger = logging.LoggerAdapter(logging.getLogger("flowruns.test"), {})
        return FlowRunContext(
            flow_run=self.stage.play(steps()),
            is_async=False,
            log_prints=False,
            logger=logger,
            connection=Connection(),
        )

    def begin_again(self) -> None:
        """Let the flow's code begin from the top, as it does in the process after a suspension."""
        policy = self.run.as_wire().empirical_policy
        known = self.context.flow_run.model_copy(update={"empirical_policy": policy})
        self.context = replace(self.context, flow_run=known, pauses_seen=0, memory=None)

    @property
    def id(self) -> UUID:
        return self.context.flow_run.id

    @property
    def run(self) -> FakeRun:
        return self.server.run

    @property
    def asked(self) -> list[str]:
        """What was asked of the server, without the id of the run."""
        return [f"{s.method} {s.path.replace(str(self.id), '…')}" for s in self.stage.sent]

    def pause(
        self,
        wait_for_input: Any = None,
        *,
        timeout: float = 3600,
        poll_interval: float = 10,
        key: str | None = None,
    ) -> Any:
        with in_flow_run(self.context):
            return self.stage.play(
                pause_steps(wait_for_input, timeout=timeout, poll_interval=poll_interval, key=key)
            )

    def at(self, seconds: float, state: Any) -> None:
        """Let the server put the run into `state` that many seconds after the beginning."""
        timestamp = MIDNIGHT + timedelta(seconds=seconds)
        stamped = replace(state, timestamp=timestamp)
        self.stage.at(seconds, lambda: self.server.set_state(self.run, stamped))

    def answer_at(self, seconds: float, run_input: dict[str, Any] | None = None) -> None:
        self.stage.at(seconds, lambda: self.server._resume(self.run, run_input))
