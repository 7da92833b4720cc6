"""What people do with runs in other processes: see what they ask, and answer."""

from typing import Any
from uuid import UUID

from flowruns import FlowRun, State, wait_for_flow_run
from flowruns.exceptions import ObjectNotFound
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually


def wait_for_pause(client: SyncFlowRunsClient, run_id: UUID, key: str) -> None:
    """Wait until the run is in the pause `key`."""

    def is_paused() -> bool:
        state = client.read_flow_run(run_id).state
        assert state is not None
        assert not state.is_final(), state
        return state.is_paused() and state.state_details.pause_key == key

    eventually(is_paused, f"the run is in pause {key}")


def wait_for_question(client: SyncFlowRunsClient, run_id: UUID, description: str) -> None:
    """Wait until the run asks for that."""

    def asks() -> bool:
        state = client.read_flow_run(run_id).state
        assert state is not None
        assert not state.is_final(), state
        if not state.is_paused() or state.state_details.run_input_keyset is None:
            return False
        key = state.state_details.run_input_keyset["description"]
        try:
            return description in client.read_flow_run_input(run_id, key)
        except ObjectNotFound:  # on Prefect's server it comes after the pause
            return False

    eventually(asks, f"the run asks {description!r}")


def wait_for_end(run_id: UUID) -> State[Any]:
    """Wait for the end of the run, and return its final state."""
    run = wait_for_flow_run(run_id, timeout=PATIENCE_SECONDS, poll_interval=0.3)
    assert run.state is not None
    state: State[Any] = run.state
    return state


def subflows_of(client: SyncFlowRunsClient, run_id: UUID) -> list[FlowRun]:
    """Return the subflows of a run, oldest first."""
    found = client.read_flow_runs(flow_run_filter={"parent_flow_run_id": {"any_": [str(run_id)]}})
    return sorted(found, key=lambda run: str(run.created))
