"""Unmodified Prefect clients in processes of their own."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers import ApprovalsServer, clean_environment

FLOWS = Path(__file__).parent / "prefect_flows"
_PATIENCE_SECONDS = 90
_COMPLAINT = re.compile(r"\| (WARNING|ERROR|CRITICAL)|^Traceback|\w+Warning: ", re.MULTILINE)


@dataclass
class Process:
    """A process of a client, and what it has printed so far."""

    popen: subprocess.Popen[str]
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text()

    def finish(self) -> str:
        """Wait until it ends well, and return what it printed."""
        assert self.popen.wait(_PATIENCE_SECONDS) == 0, self.output
        return self.output

    def stop(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait(_PATIENCE_SECONDS)


@dataclass
class PrefectClient:
    """One release of Prefect, set up as README says: the address and the key, nothing else."""

    environment: Path
    server: ApprovalsServer
    folder: Path
    processes: list[Process] = field(default_factory=list)

    def start_flow(self, script: str, *arguments: str) -> Process:
        """Run a script with flows."""
        return self._start([str(self._bin("python")), "-u", str(FLOWS / script), *arguments])

    def command(self, *arguments: str) -> str:
        """Run the `prefect` command, and return what it prints on a wide terminal."""
        return self._start([str(self._bin("prefect")), "--no-prompt", *arguments]).finish()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()

    def _bin(self, name: str) -> Path:
        program = self.environment / "bin" / name
        assert program.exists(), f"{program} is missing: `python -m tests` makes its environment"
        return program

    def _start(self, command: list[str]) -> Process:
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("w") as stdout:
            popen = subprocess.Popen(
                command,
                env=self._variables,
                cwd=FLOWS,  # a release before 3.5 serves only what is below the folder it runs in
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.processes.append(Process(popen, log))
        return self.processes[-1]

    @property
    def _variables(self) -> dict[str, str]:
        ours = {"PREFECT_API_URL": self.server.api_url, "PREFECT_API_KEY": self.server.api_key}
        own = {"PREFECT_HOME": str(self.folder / "home"), "DO_NOT_TRACK": "1", "COLUMNS": "200"}
        haste = {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}  # of a serving process, by default 10
        return clean_environment() | ours | own | haste


def complaints(output: str) -> list[str]:
    """Return the lines in which a flow's process warns or reports an error."""
    return [line for line in output.splitlines() if _COMPLAINT.search(line)]


def results(output: str) -> list[Any]:
    """Return the results that the process printed as JSON, in their order."""
    return [json.loads(line) for line in output.splitlines() if line.startswith(("[", "{"))]
