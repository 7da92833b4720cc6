"""Get what the checks need, then run them all side by side; stops when the first one fails.

README's second command. It needs Python, uv and the package registry, and ends with pytest's own
closing line.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[1]
_POLL_SECONDS = 0.2
_STOP_SECONDS = 30
# Hundreds of processes start: keep what each of them would compile anew, whatever is set here.
_KEEP_BYTECODE = {"PYTHONDONTWRITEBYTECODE": ""}
_HARDLY_LOADED = "/(moto|mypy|mypyc)/"  # nearly half of all code


@dataclass(kw_only=True)
class Job:
    """A command that runs beside others; what it prints is shown when it ends, or at once.

    With `is_shown_failed` that is worth a look only where it fails.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_shown_live: bool = False
    is_shown_failed: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _output: IO[bytes] | None = None
    _started: float = 0.0

    def start(self) -> None:
        if not self.is_shown_live:
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the process
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self.command,
            cwd=_ROOT,
            env={**os.environ, **_KEEP_BYTECODE, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT if self._output else None,
        )

    def poll(self) -> int | None:
        assert self._process is not None
        return self._process.poll()

    def report(self) -> None:
        """Print what it printed, and how long it took."""
        print(f"\n== {self.name}: {time.monotonic() - self._started:.0f} s", flush=True)
        if self._output is not None and (self.poll() or not self.is_shown_failed):
            self._output.seek(0)
            sys.stdout.buffer.write(self._output.read())
            sys.stdout.flush()

    def stop(self) -> None:
        """End it as Ctrl-C does, so that it ends the processes that it started."""
        assert self._process is not None
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


def main() -> None:
    run_side_by_side(_preparations())
    run_side_by_side(_checks())
    run_side_by_side(_tests())


def run_side_by_side(jobs: list[Job]) -> None:
    """Run all of them at once; raise SystemExit and stop the others as soon as one fails."""
    for job in jobs:
        job.start()
    running = list(jobs)
    try:
        while running:
            time.sleep(_POLL_SECONDS)
            for job in [job for job in running if job.poll() is not None]:
                running.remove(job)
                job.report()
                if job.poll():
                    raise SystemExit(f"{job.name} failed.")
    finally:
        for job in running:
            job.stop()


def _preparations() -> list[Job]:
    """Return what gets a browser and the two releases of Prefect that the tests compare with."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is not on the PATH: run this with `python3 -m uv run`.")
    return [
        Job(name="Chromium", command=[sys.executable, "-m", "tests.chromium"]),
        Job(
            name="Bytecode, which each worker would else compile for itself",
            command=[
                *(sys.executable, "-m", "compileall", "-q", "-j", "0", "-x", _HARDLY_LOADED),
                sysconfig.get_path("purelib"),
            ],
        ),
        _environment(uv, "prefect", ".venv-prefect"),
        _environment(uv, "prefect-older", ".venv-prefect-older"),
    ]


def _environment(uv: str, group: str, folder: str) -> Job:
    """Return what makes an environment of its own with one release of Prefect."""
    return Job(
        name=f"The environment {folder}",
        command=[uv, "sync", "--locked", "--python", sys.executable, "--only-group", group],
        environment={"UV_PROJECT_ENVIRONMENT": folder},
    )


def _checks() -> list[Job]:
    """Return what looks at the code, and compiles the tests, which each worker would else do."""
    python = sys.executable
    ruff = [python, "-m", "ruff"]
    return [
        Job(name="ruff check", command=[*ruff, "check"]),
        Job(name="ruff format", command=[*ruff, "format", "--check"]),
        Job(name="mypy", command=[python, "-m", "mypy"]),
        Job(name="import-linter", command=[str(Path(python).with_name("lint-imports"))]),
        Job(
            name="All tests are found",
            command=[python, "-m", "pytest", "-n0", "--collect-only", "-qq"],
            is_shown_failed=True,
        ),
    ]


def _tests() -> list[Job]:
    """Return the tests, of which most wait for processes."""
    python = sys.executable
    return [
        Job(
            name="The tests of the database, on PostgreSQL",
            command=[python, "-m", "tests.postgres"],
        ),
        Job(name="All tests", command=[python, "-m", "tests.everything"], is_shown_live=True),
    ]


if __name__ == "__main__":
    main()
