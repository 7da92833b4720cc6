"""How long after a resume the flow goes on: our server and SDK, and Prefect's, on the same work."""

import random
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.environments import PREFECT_PYTHON
from tests.servers import (
    CLIENT_SECONDS,
    PrefectServer,
    approvals_server,
    prefect_environment,
    prefect_server,
)

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("pausing.py")
_LONGEST_SECONDS = 60.0
ANSWER = {"run_input": {"approve": True}}


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """Seconds from the accepted resume to the return of `pause_flow_run`."""

    what: str
    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        p99 = statistics.quantiles(self.seconds, n=100, method="inclusive")[98]
        return (
            f"{self.what:<34} p50 {self.median * 1000:8.1f} ms   p99 {p99 * 1000:8.1f} ms"
            f"   ({len(self.seconds)} rounds)"
        )


def measure(
    what: str,
    command: list[str],
    environment: dict[str, str],
    client: httpx.Client,
    thoughts: list[float],
) -> Latencies:
    flow = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert flow.stdout is not None
    seconds = []
    try:
        for run in take_turns(client, thoughts):
            insist(client, f"/flow_runs/{run}/resume", ANSWER)
            accepted = time.time()
            ready, _, _ = select.select([flow.stdout], [], [], _LONGEST_SECONDS)
            assert ready, "the flow does not go on"
            seconds.append(float(flow.stdout.readline()) - accepted)
        assert flow.wait(60) == 0
    finally:
        flow.kill()
        flow.stdout.close()
        flow.wait()
    return Latencies(what=what, seconds=seconds)


def insist(client: httpx.Client, path: str, body: object) -> httpx.Response:
    """Post until it is taken: Prefect's server refuses by 503 while its SQLite is busy."""
    while (response := client.post(path, json=body)).status_code == 503:
        time.sleep(0.1)
    return response.raise_for_status()


def think(longest: float, rounds: int) -> list[float]:
    """Return how long a person thinks each time: they answer at any moment between two polls."""
    return [random.uniform(0.1, longest) for _ in range(rounds)]


def take_turns(client: httpx.Client, thoughts: list[float]) -> Iterator[str]:
    """Yield the paused run each time that it waits in a new pause, after some thought.

    No other run of that server may be paused.
    """
    paused = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
    for thought in thoughts:
        deadline = time.monotonic() + 60
        while not (found := insist(client, "/flow_runs/filter", paused).json()):
            assert time.monotonic() < deadline, "the flow does not pause"
            time.sleep(0.02)
        time.sleep(thought)
        yield found[0]["id"]


def measure_ours(rounds: int) -> Latencies:
    with approvals_server(is_command=True) as server:
        headers = {"Authorization": f"Bearer {server.api_key}"}
        command = [sys.executable, str(SCRIPT), "flowruns", str(rounds), "10"]
        with httpx.Client(
            base_url=server.api_url, headers=headers, timeout=CLIENT_SECONDS
        ) as client:
            thoughts = think(0.3, rounds)
            return measure("ours", command, server.flow_environment, client, thoughts)


def measure_prefect(server: PrefectServer, *, interval: int, rounds: int) -> Latencies:
    command = [str(PREFECT_PYTHON), str(SCRIPT), "prefect", str(rounds), str(interval)]
    environment = prefect_environment(server.home, has_certificates=True) | {
        "PREFECT_API_URL": server.api_url
    }
    what = f"Prefect 3.9.1, poll_interval={interval}"
    with httpx.Client(base_url=server.api_url, timeout=60) as client:
        return measure(what, command, environment, client, think(interval, rounds))


def test_a_resumed_flow_goes_on_many_times_sooner_than_prefects(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours = measure_ours(rounds=20)
    with prefect_server() as server:
        polling_fast = measure_prefect(server, interval=1, rounds=6)
        by_default = measure_prefect(server, interval=10, rounds=3)
    with capsys.disabled():
        print("\nresume accepted → pause_flow_run returned")
        print(*(ours, polling_fast, by_default), sep="\n")
    # Ratios only: both ran on this machine, whatever else it did
    assert ours.median * 3 < polling_fast.median
    assert ours.median * 10 < by_default.median
