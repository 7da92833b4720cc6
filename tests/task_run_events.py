"""Events of task runs as Prefect's client sends them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def task_run_event(
    task_run_id: UUID | None = None,
    *,
    flow_run_id: object = None,
    state: str = "RUNNING",
    seconds: float = 0,
    name: str = "send-0",
    **task_run: Any,
) -> dict[str, Any]:
    """Make the event of a task run that went into a state so many seconds after `START`."""
    occurred = (START + timedelta(seconds=seconds)).isoformat()
    related = []
    if flow_run_id is not None:
        related.append(
            {
                "prefect.resource.id": f"prefect.flow-run.{flow_run_id}",
                "prefect.resource.role": "flow-run",
                "prefect.resource.name": "calm-otter",
            }
        )
    return {
        "id": str(uuid4()),
        "occurred": occurred,
        "event": f"prefect.task-run.{state.capitalize()}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{task_run_id or uuid4()}",
            "prefect.resource.name": name,
            "prefect.state-type": state,
            "prefect.state-name": state.capitalize(),
            "prefect.state-timestamp": occurred,
            "prefect.orchestration": "client",
        },
        "related": related,
        "payload": {
            "intended": {"from": None, "to": state},
            "initial_state": None,
            "validated_state": {"type": state, "name": state.capitalize(), "state_details": {}},
            "task_run": {
                "name": name,
                "task_key": "send",
                "dynamic_key": name,
                "empirical_policy": {"retries": 0},
                "tags": [],
                "run_count": 1,
                "total_run_time": 0.5,
                **task_run,
            },
        },
        "follows": None,
    }
