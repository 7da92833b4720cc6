"""Load at half of what a desk can do: what its processes hold at the begin and at the end."""

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

from tests.benchmarks.load import Connection, drive, memory
from tests.benchmarks.side_by_side import pausing
from tests.faults.desks import Desk
from tests.faults.tables import Row

_CLIENTS = 8
_MEASURED = 10.0  # seconds, in which the desk does what it can
_PART = 0.1  # of the time, at its begin and at its end, that is compared
# What may be more at the end: caches fill, and what just happens is counted as well
_MORE_MEGABYTES, _MORE_OPEN, _MORE_THREADS = 30.0, 12, 6
_SLOWER = 2.0  # a machine that others use is not always as fast


@dataclass(kw_only=True)
class Held:
    """What the processes of a desk hold at one moment."""

    megabytes: float
    descriptors: int
    threads: int
    connections: int

    def __str__(self) -> str:
        return (
            f"{self.megabytes:.0f} MB, {self.descriptors} descriptors, {self.threads} threads,"
            f" {self.connections} connections"
        )


@dataclass(kw_only=True)
class Latencies:
    """When cycles ended, and how long they took, in seconds."""

    ended: list[tuple[float, float]] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)  # by the status that said so

    def between(self, first: float, last: float) -> tuple[float, float]:
        """Return the median and the 99th percentile, in milliseconds."""
        took = [1000 * took for ended, took in self.ended if first <= ended <= last]
        return statistics.median(took), statistics.quantiles(took, n=100, method="inclusive")[98]


def bear_load(desk: Desk, *, minutes: float) -> list[Row]:
    """Measure what the desk can do, load it with half of that so long, and compare."""
    return asyncio.run(_bear_load(desk, 60 * minutes))


async def _bear_load(desk: Desk, seconds: float) -> list[Row]:
    clients = [
        Connection(desk.servers[number % len(desk.servers)].api_url, desk.first.api_key)
        for number in range(_CLIENTS)
    ]
    capacity = (await drive(desk.first.pid, clients, _cycle, _MEASURED)).per_second
    latencies, began = Latencies(), time.monotonic()
    ends, interval = began + seconds, 2 * _CLIENTS / capacity
    loading = asyncio.gather(*(_keep_pace(each, interval, ends, latencies) for each in clients))
    await asyncio.sleep(seconds * _PART)
    before = read_held(desk)
    await asyncio.sleep(seconds * (1 - _PART) - 1)
    after = read_held(desk)
    await loading
    for client in clients:
        client.close()
    part = seconds * _PART
    begin, end = latencies.between(began, began + part), latencies.between(ends - part, ends + 60)
    return [
        Row(
            what=f"pauses and answers, {seconds / 60:g} min at {capacity / 2:.1f}/s",
            counted=f"{len(latencies.ended)} of a capacity of {capacity:.1f}/s",
            wrong=[f"{count} were refused by {by}" for by, count in latencies.refused.items()],
        ),
        Row(
            what="held by all processes",
            counted=f"{before}; then {after}",
            wrong=_grow(before, after),
        ),
        Row(
            what="from asking to answered, median and 99 %",
            counted=f"{begin[0]:.0f} and {begin[1]:.0f} ms; then {end[0]:.0f} and {end[1]:.0f} ms",
            wrong=[f"{end[0]:.0f} ms at the end"] if end[0] > _SLOWER * begin[0] else [],
        ),
    ]


async def _cycle(client: Connection) -> int:
    """Make a run, have it ask, answer it and end it: seven requests."""
    runs: dict[Connection, str] = {}
    status = await pausing(runs)(client)
    ended = {"state": {"type": "COMPLETED"}}
    told, _ = await client.ask("POST", f"/flow_runs/{runs[client]}/set_state", ended)
    return max(status, told)


async def _keep_pace(
    client: Connection, interval: float, ends: float, latencies: Latencies
) -> None:
    """Go through a cycle at each interval, or as soon as the one before is over."""
    due = time.monotonic()
    while due < ends:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        began = time.monotonic()
        if (status := await _cycle(client)) >= 400:
            latencies.refused[status] += 1
        latencies.ended.append((time.monotonic(), time.monotonic() - began))
        due = max(due + interval, time.monotonic() - interval)


def read_held(desk: Desk) -> Held:
    pids = [*(server.pid for server in desk.servers), desk.work.pid]
    return Held(
        megabytes=sum(map(memory, pids)),
        descriptors=sum(_count(pid, "fd") for pid in pids),
        threads=sum(_count(pid, "task") for pid in pids),
        connections=len(desk.database.list_pids()) if desk.database else 0,
    )


def _count(pid: int, what: str) -> int:
    return len(list(Path(f"/proc/{pid}/{what}").iterdir()))


def _grow(before: Held, after: Held) -> list[str]:
    """Say what has grown by more than what just happens."""
    most = Held(
        megabytes=_MORE_MEGABYTES,
        descriptors=_MORE_OPEN,
        threads=_MORE_THREADS,
        connections=_MORE_THREADS,
    )
    more = {
        each.name: getattr(after, each.name) - getattr(before, each.name) for each in fields(Held)
    }
    return [
        f"{grown:.0f} more {name}" for name, grown in more.items() if grown > getattr(most, name)
    ]
