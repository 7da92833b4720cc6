"""Unmodified Prefect clients in processes of their own."""

import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.environments import clean_environment
from tests.logs import follow_log
from tests.servers import ApprovalsServer

FLOWS = Path(__file__).parent / "prefect_flows"
_COMMAND_LINE = Path(__file__).with_name("command_line.py")
_COMPLAINT = re.compile(r"\| (WARNING|ERROR|CRITICAL)|^Traceback|\w+Warning: ", re.MULTILINE)
# What Prefect says of itself: at its end where the machine is busy, and of a lease that it renews
# in the moment in which its run ends, and with that the lease.
_OF_ITSELF = re.compile(
    r"\w+ - Still processing items: \d+ items remaining\.\.\."
    r"|Attempt 1 of function 'concurrency lease renewal' failed with .*'410 Gone'"
)


@dataclass
class Process:
    """A process of a client, and what it has printed so far."""

    popen: subprocess.Popen[str]
    log: Path
    may_complain: bool = False
    told_to_end: int | None = None

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def complaints(self) -> list[str]:
        """The lines in which it warned or reported an error, before it was told to end."""
        lines = self.output[: self.told_to_end].splitlines()
        found = [line for line in lines if _COMPLAINT.search(line)]
        return [line for line in found if not _OF_ITSELF.search(line)]

    def finish(self) -> str:
        """Wait until it ends well, and return what it printed."""
        assert self.popen.wait(PATIENCE_SECONDS) == 0, self.output
        return self.output

    def end(self) -> None:
        """Press Ctrl-C, as who serves flows does, and wait."""
        self.told_to_end = len(self.output)
        self.popen.send_signal(signal.SIGINT)
        self.popen.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Kill it and the processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


@dataclass
class PrefectClient:
    """One release of Prefect, set up as documented: the address and the key, nothing else."""

    environment: Path
    server: ApprovalsServer
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    _command_line: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        key = self.server.api_key
        self.settings |= {"PREFECT_API_KEY": key, "PREFECT_API_AUTH_STRING": key}

    def start_flow(self, script: str, *arguments: str) -> Process:
        """Run a script with flows."""
        return self._start([str(self._bin("python")), "-u", str(FLOWS / script), *arguments])

    def command(self, *arguments: str) -> str:
        """Run the `prefect` command, and return what it prints on a wide terminal."""
        process, code = self._run_command(*arguments)
        assert code == 0, process.output
        return process.output

    def refused_command(self, *arguments: str) -> str:
        """Run a `prefect` command that fails, and return what it says in one line."""
        process, code = self._run_command(*arguments)
        process.may_complain = True
        assert code != 0, process.output
        return " ".join(process.output.split())

    def start_command(self, *arguments: str) -> Process:
        """Start a `prefect` command that goes on until it is ended."""
        return self._start([str(self._bin("prefect")), "--no-prompt", *arguments])

    def _run_command(self, *arguments: str) -> tuple[Process, int]:
        """Run a command in a fork of a process that has loaded Prefect, which takes seconds."""
        if self._command_line is None:
            self._command_line = self._popen([str(self._bin("python")), str(_COMMAND_LINE)])
        log = self._make_log(f"prefect {' '.join(arguments)}")
        process = Process(self._command_line, log)
        self.processes.append(process)
        stdin, stdout = self._command_line.stdin, self._command_line.stdout
        assert stdin is not None
        assert stdout is not None
        print(json.dumps([str(log), "--no-prompt", *arguments]), file=stdin, flush=True)
        return process, int(stdout.readline())

    def stop(self) -> None:
        """End all its processes, none of which has warned of anything that a test does not want."""
        meant_well = [process for process in self.processes if not process.may_complain]
        said = [line for process in meant_well for line in process.complaints]
        for process in self.processes:
            process.kill()
        if self._command_line is not None:
            self._command_line.communicate()
        assert said == []

    def _bin(self, name: str) -> Path:
        program = self.environment / "bin" / name
        assert program.exists(), f"{program} is missing: `python -m tests` makes its environment"
        return program

    def _start(self, command: list[str]) -> Process:
        log = self._make_log(" ".join(Path(part).name for part in command))
        with log.open("w") as stdout:
            popen = self._popen(command, stdin=subprocess.DEVNULL, stdout=stdout)
        self.processes.append(Process(popen, log))
        return self.processes[-1]

    def _make_log(self, title: str) -> Path:
        return follow_log(self.folder / f"{len(self.processes)}.log", title)

    def _popen(
        self, command: list[str], *, stdin: int = subprocess.PIPE, stdout: Any = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            env=self._variables,
            cwd=FLOWS,  # a release before 3.5 serves only what is below the folder it runs in
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def _variables(self) -> dict[str, str]:
        # In the address, too: releases before 3.5 send it with their events in no other way
        address = self.server.api_url.replace("://", f"://key:{self.server.api_key}@")
        ours = {"PREFECT_API_URL": address}
        own = {"PREFECT_HOME": str(self.folder / "home"), "DO_NOT_TRACK": "1"}
        seen = {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        haste = {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}  # of a serving process, by default 10
        return clean_environment() | ours | own | seen | haste | self.settings


def results(output: str) -> list[Any]:
    """Return the results that the process printed as JSON, in their order."""
    return [json.loads(line) for line in output.splitlines() if line.startswith(("[", "{"))]
