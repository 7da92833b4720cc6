"""The requests of an empty flow by httpx alone: what the SDK's time is to be measured by.

Three writes, and two log lines that a thread sends meanwhile, as the SDK does when a run has ended.

`python -m tests.benchmarks.bare_writes` prints milliseconds by name, as JSON; the server is that of
`FLOWRUNS_API_URL` and `FLOWRUNS_API_KEY`.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Self

import httpx

_ROUNDS = 20
_STATES = ("RUNNING", "COMPLETED")


def main() -> None:
    """Measure by a client of each kind that is open already."""
    options: dict[str, Any] = {
        "base_url": os.environ["FLOWRUNS_API_URL"],
        "headers": {"Authorization": f"Bearer {os.environ['FLOWRUNS_API_KEY']}"},
        # Made once, which each client would else do for itself
        "verify": httpx.create_ssl_context(verify=False),
    }
    with httpx.Client(**options) as client, httpx.Client(**options) as logs, _Sending(logs) as rest:
        flow_id = client.post("/flows/", json={"name": "bare-writes"}).json()["id"]
        times = [_time_writes(client, flow_id, rest) for _ in range(_ROUNDS)]
        taken = {"writes": statistics.median(times)}
        taken["writes_async"] = asyncio.run(_measure_async(options, flow_id, rest))
    print(json.dumps(taken))


class _Sending:
    """Sends log lines by a thread of its own."""

    def __init__(self, client: httpx.Client) -> None:
        self._client, self._thread = client, ThreadPoolExecutor(1)

    def begin(self, run_id: str) -> None:
        line = {
            "name": "bare",
            "level": 20,
            "message": "A line of a run",
            "timestamp": datetime.now(UTC).isoformat(),
            "flow_run_id": run_id,
        }
        self._thread.submit(self._client.post, "/logs/", json=[line, line])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()


def _time_writes(client: httpx.Client, flow_id: str, rest: _Sending) -> float:
    began = time.perf_counter()
    run = client.post("/flow_runs/", json=_new_run(flow_id)).raise_for_status().json()
    for path, body in _moves(run["id"]):
        client.post(path, json=body).raise_for_status()
    rest.begin(run["id"])
    return 1000 * (time.perf_counter() - began)


async def _measure_async(options: dict[str, Any], flow_id: str, rest: _Sending) -> float:
    return statistics.median([await _time_awaited(options, flow_id, rest) for _ in range(_ROUNDS)])


async def _time_awaited(options: dict[str, Any], flow_id: str, rest: _Sending) -> float:
    """Take the time with a connection of the run's own: a loop may end after it."""
    began = time.perf_counter()
    async with httpx.AsyncClient(**options) as client:
        created = await client.post("/flow_runs/", json=_new_run(flow_id))
        run_id = created.raise_for_status().json()["id"]
        for path, body in _moves(run_id):
            (await client.post(path, json=body)).raise_for_status()
    rest.begin(run_id)
    return 1000 * (time.perf_counter() - began)


def _new_run(flow_id: str) -> dict[str, object]:
    return {"flow_id": flow_id, "state": {"type": "PENDING"}}


def _moves(run_id: str) -> Iterator[tuple[str, dict[str, object]]]:
    for kind in _STATES:
        yield f"/flow_runs/{run_id}/set_state", {"state": {"type": kind}}


if __name__ == "__main__":
    main()
