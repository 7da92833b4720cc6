"""Flows of `flows_to_run.py`, each in a process of its own."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flowruns import FlowRun
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.serving import Server
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.forking import fork_python
from tests.logs import show_log

FLOWS = Path(__file__).with_name("flows_to_run.py")


class FlowProcess:
    """One flow in a process of its own."""

    def __init__(
        self, server: Server, client: SyncFlowRunsClient, name: str, *arguments: object
    ) -> None:
        self.client = client
        self.name = name
        self.began = datetime.now(UTC)
        self.process = fork_python(
            [sys.executable, FLOWS, name, *map(json.dumps, arguments)], server.flow_environment
        )

    def run(self) -> FlowRun:
        """Return its flow run, of which it has one."""
        return eventually(self._find, "the flow run exists")

    def _find(self) -> FlowRun | None:
        """Find the one that was made since the process began, whatever else the server knows."""
        flow_filter = {"name": {"any_": [self.name.replace("_", "-")]}}
        since = {"expected_start_time": {"after_": self.began.isoformat()}}
        new = self.client.read_flow_runs(flow_filter=flow_filter, flow_run_filter=since)
        return new[0] if new else None

    def paused(self, key: str = "1") -> UUID:
        """Return the id of its run once it is in the pause `key`."""
        run_id = self.run().id

        def is_paused() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            state = self.client.read_flow_run(run_id).state
            return bool(state and state.is_paused() and state.state_details.pause_key == key)

        eventually(is_paused, f"the run is in pause {key}")
        return run_id

    def result(self) -> Any:
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, err
        return json.loads(out.splitlines()[-1])

    def log(self) -> str:
        return self.process.communicate(timeout=PATIENCE_SECONDS)[1]

    def end(self) -> None:
        """Kill it where it is still there, and show what it printed."""
        self.process.kill()
        show_log(f"the flow {self.name}", self.process.read_output())


type Start = Callable[..., FlowProcess]
