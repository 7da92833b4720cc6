"""Tell the server of task runs, by the events by which Prefect 3.9's client does.

Their states are kept by the process that runs them; the server shows them, and is never waited for.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flowruns.domain.states import StateType
from flowruns.sdk.context import current_flow_run
from flowruns.sdk.reporting.shipping import EventShipper
from flowruns.sdk.states import FlowRun, State, printable
from flowruns.wire.events import (
    RESOURCE_ID,
    RESOURCE_NAME,
    relate,
    shorten_message,
)

shipper = EventShipper()


@dataclass(slots=True)
class TaskReport:
    """What has been told of a task run. Outside of a flow run nothing is told."""

    task_run_id: UUID
    name: str
    task_key: str
    retries: int
    tags: tuple[str, ...] = ()
    flow_run: FlowRun | None = field(init=False)
    last: State[Any] | None = None
    run_count: int = 0
    run_time: timedelta = timedelta(0)
    started: datetime | None = None

    def __post_init__(self) -> None:
        run = current_flow_run()
        self.flow_run = run.flow_run if run else None

    def tell(self, state: State[Any]) -> None:
        """Have the server told of a state that the task run went into."""
        if self.flow_run is None:
            return
        self._count(state)
        shipper.add(self._describe(state, self.flow_run))
        self.last = state

    def _count(self, state: State[Any]) -> None:
        if self.last is not None and self.last.is_running():
            self.run_time += max(state.timestamp - self.last.timestamp, timedelta(0))
        if state.is_running():
            self.run_count += 1
            self.started = self.started or state.timestamp

    def _describe(self, state: State[Any], flow_run: FlowRun) -> dict[str, Any]:
        """Write an `Event` as it travels: to make the model takes longer than a small task."""
        message = shorten_message(printable(state.message or ""))
        name, occurred = printable(state.name or ""), state.timestamp.isoformat()
        return {
            "id": str(uuid4()),
            "occurred": occurred,
            "event": f"prefect.task-run.{name}",
            "resource": {
                RESOURCE_ID: f"prefect.task-run.{self.task_run_id}",
                RESOURCE_NAME: printable(self.name),
                "prefect.run-count": str(self.run_count),
                "prefect.state-message": message,
                "prefect.state-name": name,
                "prefect.state-timestamp": occurred,
                "prefect.state-type": state.type,
                "prefect.orchestration": "client",
            },
            "related": [relate("flow-run", flow_run.id, printable(flow_run.name))],
            "payload": {
                "intended": {"from": self.last.type if self.last else None, "to": state.type},
                "initial_state": _summarise(self.last) if self.last else None,
                "validated_state": {**_summarise(state), "message": message, "data": None},
                "task_run": self._describe_task_run(state, occurred),
            },
        }

    def _describe_task_run(self, state: State[Any], occurred: str) -> dict[str, Any]:
        """Say what Prefect's recorder keeps; it needs the texts and the counters."""
        described = {
            "name": printable(self.name),
            "task_key": self.task_key,
            "dynamic_key": str(self.task_run_id),
            "empirical_policy": {"retries": self.retries},
            "tags": [printable(tag) for tag in self.tags],
            "run_count": self.run_count,
            "total_run_time": self.run_time.total_seconds(),
            "expected_start_time": occurred,
        }
        if self.started:
            started = self.started.isoformat()
            described |= {"expected_start_time": started, "start_time": started}
            if state.is_final():
                described["end_time"] = occurred
        return described


def running(*, again: bool) -> State[Any]:
    return State(type=StateType.RUNNING, name="Retrying" if again else "Running")


def _summarise(state: State[Any]) -> dict[str, Any]:
    return {"type": state.type, "name": printable(state.name or ""), "state_details": {}}
