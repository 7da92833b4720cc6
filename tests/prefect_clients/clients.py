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
class Said:
    """What a client has printed so far."""

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


@dataclass(kw_only=True)
class Process(Said):
    """A process of a client."""

    popen: subprocess.Popen[str]

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


class CommandLines:
    """Prefect's command lines, as one user has them who has one home.

    Each command is run in a fork of a process that has loaded Prefect, which takes longer than most
    commands, and which all tests of a worker share.
    """

    def __init__(self, home: Path) -> None:
        self._home = str(home)
        self._loaded: dict[tuple[object, ...], subprocess.Popen[str]] = {}

    def run(self, python: Path, variables: dict[str, str], log: Path, *arguments: str) -> int:
        """Run a command, write what it prints to `log`, and return its exit code."""
        process = self._load(python, variables | {"PREFECT_HOME": self._home})
        assert process.stdin is not None
        assert process.stdout is not None
        print(json.dumps([str(log), *arguments]), file=process.stdin, flush=True)
        return int(process.stdout.readline())

    def _load(self, python: Path, variables: dict[str, str]) -> subprocess.Popen[str]:
        """Return the process of this release whose Prefect is configured in the same way."""
        settings = {name: value for name, value in variables.items() if name.startswith("PREFECT_")}
        key = (python, *sorted(settings.items()))
        if key not in self._loaded or self._loaded[key].poll() is not None:
            self._loaded[key] = _popen([str(python), str(_COMMAND_LINE)], variables)
        return self._loaded[key]

    def end(self) -> None:
        for process in self._loaded.values():
            process.communicate()


@dataclass
class PrefectClient:
    """One release of Prefect, set up as documented: the address and the key, nothing else."""

    environment: Path
    server: ApprovalsServer
    folder: Path
    command_lines: CommandLines
    settings: dict[str, str] = field(default_factory=dict)
    _said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        key = self.server.api_key
        self.settings |= {"PREFECT_API_KEY": key, "PREFECT_API_AUTH_STRING": key}

    def start_flow(self, script: str, *arguments: str) -> Process:
        """Run a script with flows."""
        return self._start([str(self._bin("python")), "-u", str(FLOWS / script), *arguments])

    def command(self, *arguments: str) -> str:
        """Run the `prefect` command, and return what it prints on a wide terminal."""
        said, code = self._run_command(*arguments)
        assert code == 0, said.output
        return said.output

    def refused_command(self, *arguments: str) -> str:
        """Run a `prefect` command that fails, and return what it says in one line."""
        said, code = self._run_command(*arguments)
        said.may_complain = True
        assert code != 0, said.output
        return " ".join(said.output.split())

    def start_command(self, *arguments: str) -> Process:
        """Start a `prefect` command that goes on until it is ended."""
        return self._start([str(self._bin("prefect")), "--no-prompt", *arguments])

    def _run_command(self, *arguments: str) -> tuple[Said, int]:
        said = Said(self._make_log(f"prefect {' '.join(arguments)}"))
        self._said.append(said)
        python = self._bin("python")
        given = ("--no-prompt", *arguments)
        return said, self.command_lines.run(python, self._variables, said.log, *given)

    def stop(self) -> None:
        """End all its processes, none of which has warned of anything that a test does not want."""
        meant_well = [said for said in self._said if not said.may_complain]
        complaints = [line for said in meant_well for line in said.complaints]
        for said in self._said:
            if isinstance(said, Process):
                said.kill()
        assert complaints == []

    def _bin(self, name: str) -> Path:
        program = self.environment / "bin" / name
        assert program.exists(), f"{program} is missing: `python -m tests` makes its environment"
        return program

    def _start(self, command: list[str]) -> Process:
        log = self._make_log(" ".join(Path(part).name for part in command))
        with log.open("w") as stdout:
            popen = _popen(command, self._variables, stdin=subprocess.DEVNULL, stdout=stdout)
        process = Process(log, popen=popen)
        self._said.append(process)
        return process

    def _make_log(self, title: str) -> Path:
        return follow_log(self.folder / f"{len(self._said)}.log", title)

    @property
    def _variables(self) -> dict[str, str]:
        # In the address, too: releases before 3.5 send it with their events in no other way
        address = self.server.api_url.replace("://", f"://key:{self.server.api_key}@")
        ours = {"PREFECT_API_URL": address}
        own = {"PREFECT_HOME": str(self.folder / "home"), "DO_NOT_TRACK": "1"}
        seen = {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
        haste = {"PREFECT_RUNNER_POLL_FREQUENCY": "2"}  # of a serving process, by default 10
        return clean_environment() | ours | own | seen | haste | self.settings


def _popen(
    command: list[str],
    variables: dict[str, str],
    *,
    stdin: int = subprocess.PIPE,
    stdout: Any = subprocess.PIPE,
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=variables,
        cwd=FLOWS,  # a release before 3.5 serves only what is below the folder it runs in
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def results(output: str) -> list[Any]:
    """Return the results that the process printed as JSON, in their order."""
    return [json.loads(line) for line in output.splitlines() if line.startswith(("[", "{"))]
