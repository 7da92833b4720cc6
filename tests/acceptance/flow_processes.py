"""Flows of `flows_to_run.py`, each in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from flowruns import FlowRun
from flowruns.sdk.client import SyncFlowRunsClient
from tests.acceptance.serving import Server
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually

FLOWS = Path(__file__).with_name("flows_to_run.py")


class FlowProcess:
    """One flow in a process of its own."""

    def __init__(
        self, server: Server, client: SyncFlowRunsClient, name: str, *arguments: object
    ) -> None:
        self.client = client
        self.known = {run.id for run in client.read_flow_runs()}
        self.process = subprocess.Popen(
            [sys.executable, FLOWS, name, *map(json.dumps, arguments)],
            env=server.flow_environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> FlowRun:
        """Return its flow run, of which it has one."""
        return eventually(self._find, "the flow run exists")

    def _find(self) -> FlowRun | None:
        new = [run for run in self.client.read_flow_runs() if run.id not in self.known]
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


type Start = Callable[..., FlowProcess]
