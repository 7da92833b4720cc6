"""How long after a resume the code of a suspended flow goes on, in a new process of `serve`."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from tests.acceptance.waiting import eventually
from tests.benchmarks.test_resume_latency import insist, think
from tests.environments import PREFECT_PYTHON
from tests.servers import (
    CLIENT_SECONDS,
    ApprovalsServer,
    PrefectServer,
    prefect_environment,
)

_SCRIPT = Path(__file__).with_name("suspending.py")
_LONGEST_SECONDS = 60.0
# Whoever serves by Prefect asks every 10 seconds what to start; people answer meanwhile
_LOOKS_EVERY = 10


def measure_ours(server: ApprovalsServer, *, rounds: int) -> list[float]:
    """Return the seconds of so many runs, one after another."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with (
        _serving(sys.executable, server.flow_environment | {"MEASURED": "flowruns"}),
        httpx.Client(base_url=server.api_url, headers=headers, timeout=CLIENT_SECONDS) as client,
    ):
        return _measure(client, think(_LOOKS_EVERY, rounds))


def measure_prefect(server: PrefectServer, *, rounds: int) -> list[float]:
    """Return the same of Prefect's SDK and server."""
    environment = prefect_environment(server.home, has_certificates=True) | {
        "PREFECT_API_URL": server.api_url,
        "MEASURED": "prefect",
    }
    with (
        _serving(str(PREFECT_PYTHON), environment),
        httpx.Client(base_url=server.api_url, timeout=CLIENT_SECONDS) as client,
    ):
        return _measure(client, think(_LOOKS_EVERY, rounds))


@contextmanager
def _serving(python: str, environment: dict[str, str]) -> Iterator[None]:
    serving = subprocess.Popen(
        [python, str(_SCRIPT)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        serving.terminate()
        serving.wait()


def _measure(client: httpx.Client, thoughts: list[float]) -> list[float]:
    served = "/deployments/name/suspending/desk"
    eventually(lambda: client.get(served).status_code == 200, "the flow is served")
    deployment = client.get(served).json()["id"]
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        for number, thought in enumerate(thoughts):
            told = Path(folder) / str(number)
            path = f"/deployments/{deployment}/create_flow_run"
            wanted = {"parameters": {"path": str(told)}, "state": {"type": "SCHEDULED"}}
            run = insist(client, path, wanted).json()["id"]
            eventually(partial(_is_paused, client, run), "the flow pauses")
            time.sleep(thought)
            insist(client, f"/flow_runs/{run}/resume", {})
            accepted = time.time()
            seconds.append(_await_line(told) - accepted)
    return seconds


def _is_paused(client: httpx.Client, run: str) -> bool:
    return bool(client.get(f"/flow_runs/{run}").json().get("state_type") == "PAUSED")


def _await_line(path: Path) -> float:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while not (path.exists() and (line := path.read_text()).endswith("\n")):
        assert time.monotonic() < deadline, "the flow does not go on"
        time.sleep(0.01)
    return float(line)
