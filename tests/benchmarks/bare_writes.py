"""The writes of an empty flow by httpx alone: what the SDK's time is to be measured by.

`python -m tests.benchmarks.bare_writes` prints milliseconds by name, as JSON; the server is that of
`FLOWRUNS_API_URL` and `FLOWRUNS_API_KEY`.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

import httpx

_ROUNDS = 20
_STATES = ("RUNNING", "COMPLETED")


def main() -> None:
    """Measure by a client of each kind that is open already."""
    options: dict[str, Any] = {
        "base_url": os.environ["FLOWRUNS_API_URL"],
        "headers": {"Authorization": f"Bearer {os.environ['FLOWRUNS_API_KEY']}"},
    }
    with httpx.Client(**options) as client:
        flow_id = client.post("/flows/", json={"name": "bare-writes"}).json()["id"]
        times = [_time_writes(client, flow_id) for _ in range(_ROUNDS)]
    taken = {"writes": statistics.median(times)}
    taken["writes_async"] = asyncio.run(_measure_async(options, flow_id))
    print(json.dumps(taken))


def _time_writes(client: httpx.Client, flow_id: str) -> float:
    began = time.perf_counter()
    run = client.post("/flow_runs/", json=_new_run(flow_id)).raise_for_status().json()
    for path, body in _moves(run["id"]):
        client.post(path, json=body).raise_for_status()
    return 1000 * (time.perf_counter() - began)


async def _measure_async(options: dict[str, Any], flow_id: str) -> float:
    async with httpx.AsyncClient(**options) as client:
        return statistics.median([await _time_awaited(client, flow_id) for _ in range(_ROUNDS)])


async def _time_awaited(client: httpx.AsyncClient, flow_id: str) -> float:
    began = time.perf_counter()
    created = await client.post("/flow_runs/", json=_new_run(flow_id))
    for path, body in _moves(created.raise_for_status().json()["id"]):
        (await client.post(path, json=body)).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def _new_run(flow_id: str) -> dict[str, object]:
    return {"flow_id": flow_id, "state": {"type": "PENDING"}}


def _moves(run_id: str) -> Iterator[tuple[str, dict[str, object]]]:
    for kind in _STATES:
        yield f"/flow_runs/{run_id}/set_state", {"state": {"type": kind}}


if __name__ == "__main__":
    main()
