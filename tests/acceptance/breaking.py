"""Start flows of `flows_to_break.py`, scripts or served, and break what is around them."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from flowruns import FlowRun, run_deployment
from flowruns.exceptions import ObjectNotFound
from flowruns.sdk.calls.client import SyncFlowRunsClient
from tests.acceptance.serving import client_of
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.environments import PREFECT_PYTHON
from tests.forking import ForkedProcess, fork_python
from tests.logs import follow_log
from tests.servers import ApprovalsServer, PrefectServer, prefect_environment

FLOWS = Path(__file__).with_name("flows_to_break.py")


@dataclass(kw_only=True)
class Scene:
    """A server, and processes that use it, by way of `api_url` if that is another."""

    server: ApprovalsServer | PrefectServer
    client: SyncFlowRunsClient
    folder: Path
    api_url: str = ""
    processes: list[ForkedProcess] = field(default_factory=list)

    def play(self, name: str, *parameters: object) -> "Play":
        """Run a flow as a script."""
        play = self._play(name)
        play.process = self._start("run", name, str(play.folder), *map(str, parameters))
        return play

    def order(self, name: str, **parameters: object) -> "Play":
        """Have a flow run by whoever serves it."""
        play = self._play(name)
        given = {"folder": str(play.folder), **parameters}
        play.ordered = run_deployment(f"{name}/desk", parameters=given, timeout=0).id
        return play

    def serve(self, *, limit: int = 5) -> ForkedProcess:
        """Start a process that serves the flows, and wait until it does."""
        process = self._start("serve", str(limit))
        log = self.log_of(process)
        eventually(lambda: "Serving 'working/desk'" in log.read_text(), "the flows are served")
        return process

    def log_of(self, process: ForkedProcess) -> Path:
        return self.folder / f"{self.processes.index(process)}.log"

    def clear(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _play(self, name: str) -> "Play":
        folder = self.folder / f"{name}-{time.monotonic_ns()}"
        folder.mkdir()
        return Play(self, folder)

    def _start(self, *command: str) -> ForkedProcess:
        settings = {"HOME": str(self.folder), "FLOWRUNS_SERVE_POLL_SECONDS": "0.5"}
        if self.api_url:
            settings["FLOWRUNS_API_URL"] = self.api_url
        return self.run_with(
            sys.executable, FLOWS, *command, **self.server.flow_environment | settings
        )

    def run_with(self, *command: str | Path, **environment: str) -> ForkedProcess:
        """Run a Python beside the server until the scene is cleared."""
        path = self.folder / f"{len(self.processes)}.log"
        title = " ".join(Path(part).name for part in command[1:])
        with follow_log(path, title).open("wb") as log:
            process = fork_python(command, environment, output=log)
        self.processes.append(process)
        return process


@dataclass
class Play:
    """One run of a flow, and what it notes."""

    scene: Scene
    folder: Path
    process: ForkedProcess | None = None
    ordered: UUID | None = None

    @property
    def notes(self) -> list[str]:
        path = self.folder / "notes"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def run_id(self) -> UUID:
        if self.ordered is None:
            self.ordered = eventually(self._find, "the run is there")
        return self.ordered

    def _find(self) -> UUID | None:
        new = self.scene.client.read_flow_runs(sort="START_TIME_DESC", limit=50)
        mine = [run for run in new if run.parameters.get("folder") == str(self.folder)]
        return mine[0].id if mine else None

    def read(self) -> FlowRun:
        return self.scene.client.read_flow_run(self.run_id)

    def until(self, *state_names: str, within: float = PATIENCE_SECONDS) -> float:
        """Wait until the run is in one of these states, and return how long that took."""
        began = time.monotonic()
        what = f"{self.folder.name} is {' or '.join(state_names)}"
        eventually(lambda: self.read().state_name in state_names, what, within=within)
        return time.monotonic() - began

    def until_noted(self, line: str) -> None:
        eventually(lambda: line in self.notes, f"{self.folder.name} has noted {line!r}")

    def kill(self) -> None:
        """Kill the process that runs the flow, like a power cut."""
        begun = [line for line in self.notes if line.startswith("begun by ")]
        os.kill(int(begun[-1].removeprefix("begun by ")), signal.SIGKILL)

    def history(self) -> list[str]:
        states = self.scene.client.read_flow_run_states(self.run_id)
        return [str(state.name) for state in states]


@contextmanager
def scene_on(server: ApprovalsServer | PrefectServer, folder: Path) -> Iterator[Scene]:
    """Make a scene; the SDK's functions in this process use its server too."""
    with client_of(server) as client:
        scene = Scene(server=server, client=client, folder=folder)
        try:
            yield scene
        finally:
            scene.clear()


def prefect_client_environment(scene: Scene) -> dict[str, str]:
    """Return the environment of Prefect's own programs that use our server."""
    assert isinstance(scene.server, ApprovalsServer)
    ours = {"PREFECT_API_URL": scene.server.api_url, "PREFECT_API_KEY": scene.server.api_key}
    ours["PREFECT_API_AUTH_STRING"] = scene.server.api_key
    return prefect_environment(scene.folder) | ours | {"PREFECT_RUNNER_POLL_FREQUENCY": "1"}


def serve_with_prefect(scene: Scene) -> ForkedProcess:
    """Have Prefect's own runner serve the flows that are written for it."""
    script = Path(__file__).with_name("flows_prefect_serves.py")
    runner = scene.run_with(PREFECT_PYTHON, script, **prefect_client_environment(scene))
    eventually(lambda: _is_deployed(scene, "sleeping/desk"), "Prefect serves its flows")
    return runner


def _is_deployed(scene: Scene, name: str) -> bool:
    try:
        scene.client.read_deployment_by_name(name)
    except ObjectNotFound:
        return False
    return True
