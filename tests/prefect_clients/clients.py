"""Unmodified Prefect clients in processes of their own."""

import json
import os
import re
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.waiting import PATIENCE_SECONDS
from tests.environments import clean_environment
from tests.forking import ForkedProcess, fork_python
from tests.logs import follow_log
from tests.servers import ApprovalsServer

FLOWS = Path(__file__).parent / "prefect_flows"
_COMPLAINT = re.compile(r"\| (WARNING|ERROR|CRITICAL)|^Traceback|\w+Warning: ", re.MULTILINE)
# What Prefect says of itself: at its end where the machine is busy, and of a lease that it renews
# in the moment in which its run ends, and with that the lease.
_OF_ITSELF = re.compile(
    r"\w+ - Still processing items: \d+ items remaining\.\.\."
    r"|Attempt 1 of function 'concurrency lease renewal' failed with .*'410 Gone'"
)

# The same of a run that ends while its observer opens a new connection
_OF_ITS_OBSERVER = re.compile(
    r"^.*Observer - Consumer task exited with exception\nTraceback .*\n(?: .*\n)+"
    r"AttributeError: 'NoneType' object has no attribute 'send'$",
    re.MULTILINE,
)

# What those of 3.9 say when a server ends under them, before they connect to the next
_OF_A_LOST_SERVER = re.compile(
    r"^.*Observer websocket failed with an exception\. Switching to polling mode until it"
    r" reconnects\.\nTraceback .*\n(?: .*\n)+websockets\.exceptions\.ConnectionClosed.*$",
    re.MULTILINE,
)


@dataclass(kw_only=True)
class Process:
    """A process of a client, and what it has printed so far."""

    forked: ForkedProcess
    log: Path
    server: ApprovalsServer
    # The number of the server's process when it began
    server_pid: int
    may_complain: bool = False
    told_to_end: int | None = None

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def complaints(self) -> list[str]:
        """The lines in which it warned or reported an error, before it was told to end."""
        said = _OF_ITS_OBSERVER.sub("", self.output[: self.told_to_end])
        if self.server.pid != self.server_pid:
            said = _OF_A_LOST_SERVER.sub("", said)
        found = [line for line in said.splitlines() if _COMPLAINT.search(line)]
        return [line for line in found if not _OF_ITSELF.search(line)]

    def finish(self) -> str:
        """Wait until it ends well, and return what it printed."""
        assert self.forked.wait(PATIENCE_SECONDS) == 0, self.output
        return self.output

    def end(self) -> None:
        """Press Ctrl-C, as who serves flows does, and wait."""
        self.told_to_end = len(self.output)
        self.forked.send_signal(signal.SIGINT)
        self.forked.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Kill it and the processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.forked.pid, signal.SIGKILL)
        self.forked.wait()


@dataclass
class PrefectClient:
    """One release of Prefect, set up as documented: the address and the key, nothing else."""

    python: Path
    server: ApprovalsServer
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    _started: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        key = self.server.api_key
        self.settings |= {"PREFECT_API_KEY": key, "PREFECT_API_AUTH_STRING": key}

    def start_flow(self, script: str, *arguments: str) -> Process:
        """Run a script with flows."""
        return self._start(FLOWS / script, *arguments)

    def command(self, *arguments: str) -> str:
        """Run the `prefect` command, and return what it prints on a wide terminal."""
        return self.start_command(*arguments).finish()

    def refused_command(self, *arguments: str) -> str:
        """Run a `prefect` command that fails, and return what it says in one line."""
        process = self.start_command(*arguments)
        process.may_complain = True
        assert process.forked.wait(PATIENCE_SECONDS) != 0, process.output
        return " ".join(process.output.split())

    def start_command(self, *arguments: str) -> Process:
        """Start a `prefect` command that goes on until it is ended."""
        return self._start("-m", "prefect", "--no-prompt", *arguments)

    def stop(self) -> None:
        """End all its processes, none of which has warned of anything that a test does not want."""
        meant_well = [process for process in self._started if not process.may_complain]
        complaints = [line for process in meant_well for line in process.complaints]
        for process in self._started:
            process.kill()
        assert complaints == []

    def _start(self, *arguments: str | Path) -> Process:
        title = " ".join(Path(part).name for part in arguments)
        log = follow_log(self.folder / f"{len(self._started)}.log", title)
        with log.open("w") as output:
            forked = fork_python(
                [self.python, *arguments],
                self._variables,
                output=output,
                folder=FLOWS,  # a release before 3.5 serves only what is below its folder
                in_new_session=True,
            )
        process = Process(forked=forked, log=log, server=self.server, server_pid=self.server.pid)
        self._started.append(process)
        return process

    @property
    def _variables(self) -> dict[str, str]:
        # In the address, too: releases before 3.5 send it with their events in no other way
        address = self.server.api_url.replace("://", f"://key:{self.server.api_key}@")
        ours = {"PREFECT_API_URL": address}
        own = {"PREFECT_HOME": str(self.folder / "home"), "DO_NOT_TRACK": "1"}
        seen = {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        haste = {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}  # of a serving process, by default 10
        return clean_environment(has_certificates=False) | ours | own | seen | haste | self.settings


def results(output: str) -> list[Any]:
    """Return the results that the process printed as JSON, in their order."""
    return [json.loads(line) for line in output.splitlines() if line.startswith(("[", "{"))]
