"""What a flow's process tells the server of its task runs."""

import pytest

from flowruns import flow, task
from flowruns.testing import FakeServer, served_by


def told(server: FakeServer) -> list[str]:
    return [event.event.removeprefix("prefect.task-run.") for event in server.events]


def test_each_state_of_a_task_run_is_told() -> None:
    attempts: list[int] = []

    @task(retries=1)
    def fails_once() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("no")
        return 7

    @flow
    def parent() -> int:
        return fails_once()

    server = FakeServer()
    with served_by(server.handle):
        assert parent() == 7
    assert told(server) == ["Pending", "Running", "Retrying", "Completed"]
    last = server.events[-1]
    assert last.related_in_role("flow-run") == f"prefect.flow-run.{server.run.run.id}"
    described = last.payload["task_run"]
    assert isinstance(described, dict)
    assert described["run_count"] == 2
    assert described["start_time"] <= described["end_time"]  # type: ignore[operator]


def test_a_failure_is_told_with_its_message() -> None:
    @task
    def fails() -> None:
        raise ValueError("half a pair: \ud800, a nul: \0")

    @flow
    def parent() -> None:
        fails()

    server = FakeServer()
    with served_by(server.handle), pytest.raises(ValueError, match="half"):
        parent()
    assert told(server) == ["Pending", "Running", "Failed"]
    message = server.events[-1].resource["prefect.state-message"]
    assert "half a pair: ?" in message
    assert "\0" not in message


def test_a_task_outside_of_a_flow_run_is_not_told() -> None:
    @task
    def alone() -> int:
        return 1

    server = FakeServer()
    with served_by(server.handle):
        assert alone() == 1
    assert server.events == []
