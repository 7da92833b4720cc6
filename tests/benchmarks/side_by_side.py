"""Our server and SDK beside Prefect's, in turns on one machine: a table in Markdown.

`.venv/bin/python -m tests.benchmarks.side_by_side` takes about five minutes, and is worth something
where nothing else runs. It needs the environment `.venv-prefect`, which `python -m tests` makes.
"""

import asyncio
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.benchmarks import bare_stack, held, suspends
from tests.benchmarks.load import Connection, Load, cpu_seconds, drive, memory
from tests.benchmarks.test_import_cost import measure_import
from tests.benchmarks.test_resume_latency import Latencies, measure_ours, measure_prefect
from tests.environments import PREFECT_PYTHON, clean_environment
from tests.servers import (
    ROOT,
    ApprovalsServer,
    PrefectServer,
    approvals_server,
    prefect_environment,
    prefect_server,
)

SECONDS = 3.0
STARTS = 3
_IDLE_SECONDS = 20
_FLOWS = Path(__file__).with_name("timed_flows.py")
_NAMES = "from {} import flow, pause_flow_run"
_PAUSED = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}, "limit": 50}
_SCHEMA = json.dumps({"type": "object", "properties": {"approve": {"type": "boolean"}}})

type Once = Callable[[Connection], Awaitable[int]]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two servers, as a client sees it."""

    api_url: str
    pid: int
    key: str = ""
    runs: dict[Connection, str] = field(default_factory=dict)

    def connect(self) -> Connection:
        return Connection(self.api_url, self.key)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    ours: str
    theirs: str
    ratio: float
    aim: str

    def __str__(self) -> str:
        return f"| {self.what} | {self.ours} | {self.theirs} | {self.ratio:.2f} | {self.aim} |"


@contextmanager
def both_servers() -> Iterator[tuple[ApprovalsServer, PrefectServer]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(approvals_server(is_command=True)),
            stack.enter_context(prefect_server(is_command=True)),
        )


async def make_run(client: Connection, **wanted: Any) -> str:
    flow = await client.insist("/flows/", {"name": "measured"})
    wanted = {"flow_id": flow["id"], "state": {"type": "RUNNING"}, **wanted}
    found: str = (await client.insist("/flow_runs/", wanted))["id"]
    return found


async def make_paused_runs(side: Side) -> None:
    """Have fifty runs to list."""
    client = side.connect()
    for _ in range(50):
        run = await make_run(client, parameters={"a": 1, "b": "some text"}, tags=["a", "b"])
        await client.insist(f"/flow_runs/{run}/set_state", {"state": paused("1", "x")})
    client.close()


def paused(pause_key: str, prefix: str) -> dict[str, Any]:
    timeout = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    keyset = {part: f"{prefix}-{part}" for part in ("schema", "description", "response")}
    details = {"pause_key": pause_key, "pause_timeout": timeout}
    asked = {"run_input_keyset": keyset} if prefix != "x" else {}
    return {"type": "PAUSED", "name": "Paused", "state_details": details | asked}


def reading_run(run: str) -> Once:
    async def once(client: Connection) -> int:
        return (await client.ask("GET", f"/flow_runs/{run}"))[0]

    return once


async def list_paused(client: Connection) -> int:
    status, found = await client.ask("POST", "/flow_runs/filter", _PAUSED)
    assert status >= 400 or len(found) == 50
    return status


def pausing(runs: dict[Connection, str]) -> Once:
    """Store what a pause asks, pause, and answer: three writes."""
    numbers = count(1)

    async def once(client: Connection) -> int:
        if client not in runs:
            runs[client] = await make_run(client)
        address, number = f"/flow_runs/{runs[client]}", next(numbers)
        asked = {"key": f"p{number}-schema", "value": _SCHEMA}
        state = {"state": paused(str(number), f"p{number}")}
        answer = {"run_input": {"approve": True}}
        for path, body in (("input", asked), ("set_state", state), ("resume", answer)):
            status, _ = await client.ask("POST", f"{address}/{path}", body)
            if status >= 400:
                return status
        return status

    return once


async def measure_calls(ours: Side, theirs: Side) -> list[Row]:
    """Measure requests in turns: the same clients, the same calls, the same rows."""
    rows = []
    for side in (ours, theirs):
        await make_paused_runs(side)
    reads = {side.pid: reading_run(await make_run(side.connect())) for side in (ours, theirs)}
    plans: list[tuple[str, Callable[[Side], Once], tuple[int, int], str]] = [
        ("`GET /flow_runs/{id}`", lambda side: reads[side.pid], (1, 16), "≥ 6"),
        ("`POST /flow_runs/filter` PAUSED, 50 rows", lambda _: list_paused, (1, 16), "≥ 5"),
        ("pause + schema + resume, cycles", lambda side: pausing(side.runs), (1, 8), "≥ 5 / ≥ 20"),
    ]
    for what, find, crowds, aim in plans:
        for clients in crowds:
            loads = [await _drive(side, find(side), clients) for side in (ours, theirs)]
            ratio = loads[0].per_second / max(loads[1].per_second, 0.01)
            named = f"{what}, {clients} client{'s' if clients > 1 else ''}"
            rows.append(
                Row(what=named, ours=str(loads[0]), theirs=str(loads[1]), ratio=ratio, aim=aim)
            )
    return rows


async def _drive(side: Side, once: Once, clients: int) -> Load:
    connections = [side.connect() for _ in range(clients)]
    try:
        return await drive(side.pid, connections, once, SECONDS)
    finally:
        for connection in connections:
            connection.close()


def measure_idle(ours: int, theirs: int) -> list[Row]:
    """Measure what the servers take when nobody asks, side by side."""
    time.sleep(2)
    spent = [cpu_seconds(pid) for pid in (ours, theirs)]
    time.sleep(_IDLE_SECONDS)
    idle = [
        (cpu_seconds(pid) - before) / _IDLE_SECONDS
        for pid, before in zip((ours, theirs), spent, strict=True)
    ]
    sizes = [memory(pid) for pid in (ours, theirs)]
    return [
        Row(
            what="idle memory",
            ours=f"{sizes[0]:.0f} MB",
            theirs=f"{sizes[1]:.0f} MB",
            ratio=sizes[0] / sizes[1],
            aim="≤ 0.45",
        ),
        Row(
            what="idle, of a processor",
            ours=f"{idle[0]:.1%}",
            theirs=f"{idle[1]:.1%}",
            ratio=idle[0] / max(idle[1], 0.001),
            aim="≤ 0.5 %",
        ),
    ]


def measure_starts() -> Row:
    """Measure from the command to the first answer; the first of each warms the caches."""
    ours, theirs = list[float](), list[float]()
    for _ in range(STARTS):
        for times, server in ((ours, approvals_server), (theirs, prefect_server)):
            began = time.monotonic()
            with server(is_command=True):
                times.append(time.monotonic() - began)
    return _compare("server start", 1000 * min(ours[1:]), 1000 * min(theirs[1:]), "≤ 0.25")


def measure_flows(ours: ApprovalsServer, theirs: PrefectServer) -> list[Row]:
    prefect = prefect_environment(theirs.home, has_certificates=True) | {
        "PREFECT_API_URL": theirs.api_url
    }
    mine = _time_flows(sys.executable, "flowruns", ours.flow_environment)
    other = _time_flows(str(PREFECT_PYTHON), "prefect", prefect)
    aims = {
        "empty": ("empty flow, sync", "≤ 20 ms"),
        "empty_async": ("empty flow, async", "≤ 20 ms"),
        "tasks": ("flow of 100 tasks", "≤ 150 ms"),
        "tasks_again": ("flow of 100 tasks, one right after another", "none"),
    }
    return [_compare(what, mine[name], other[name], aim) for name, (what, aim) in aims.items()]


def _time_flows(python: str, library: str, environment: dict[str, str]) -> dict[str, float]:
    return _read_times([python, str(_FLOWS), library], environment)


def measure_bare_writes(ours: ApprovalsServer) -> str:
    """Say how long the requests of an empty flow take httpx alone."""
    command = [sys.executable, "-m", "tests.benchmarks.bare_writes"]
    times = _read_times(command, ours.flow_environment)
    return f"{times['writes']:.0f} ms by a sync client, {times['writes_async']:.0f} by an async one"


def _read_times(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    printed = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    ).stdout
    times: dict[str, float] = json.loads(printed.splitlines()[-1])
    return times


def measure_imports(home: Path) -> Row:
    ours = clean_environment() | {"PYTHONPATH": str(ROOT)}
    mine = measure_import(sys.executable, _NAMES.format("flowruns"), ours)
    other = measure_import(
        PREFECT_PYTHON, _NAMES.format("prefect"), prefect_environment(home, has_certificates=True)
    )
    return _compare("`import flow, pause_flow_run`", 1000 * mine, 1000 * other, "≤ 0.15")


def measure_resumes() -> list[Row]:
    """Measure on servers of their own, where nothing else is paused."""
    ours = measure_ours(rounds=40)
    with prefect_server() as theirs:
        other = measure_prefect(theirs, interval=10, rounds=3)
    what, aims = "resume accepted → `pause_flow_run` returned", ("≤ 10 ms", "≤ 40 ms")
    pairs = zip(("p50", "p99"), _percentiles(ours), _percentiles(other), aims, strict=True)
    return [_compare(f"{what}, {name}", a, b, aim) for name, a, b, aim in pairs]


def measure_suspends(ours: ApprovalsServer, theirs: PrefectServer) -> Row:
    """Measure how soon the code of a suspended flow goes on; the first of ours warms the caches."""
    mine = statistics.median(suspends.measure_ours(ours, rounds=6)[1:])
    other = statistics.median(suspends.measure_prefect(theirs, rounds=3))
    return _compare("suspended: resume → its code runs", 1000 * mine, 1000 * other, "≤ 450 ms")


def _percentiles(latencies: Latencies) -> tuple[float, float]:
    p99 = statistics.quantiles(latencies.seconds, n=100, method="inclusive")[98]
    return 1000 * latencies.median, 1000 * p99


def _compare(what: str, ours: float, theirs: float, aim: str) -> Row:
    return Row(
        what=what, ours=f"{ours:.0f} ms", theirs=f"{theirs:.0f} ms", ratio=ours / theirs, aim=aim
    )


def describe_machine() -> str:
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    load = os.getloadavg()[0]
    now = f"{datetime.now(UTC):%d %B %Y}"
    parts = [platform.node(), f"{os.cpu_count()} processors {model}"]
    parts += [f"Python {platform.python_version()}", now, f"load before {load:.1f}"]
    return ", ".join(parts)


def main() -> None:
    """Measure everything, and print the table."""
    gc.disable()  # pauses of the clients are not the servers'
    print(f"{describe_machine()}, SQLite both\n\n| what | ours | Prefect 3.9.1 | ratio | aim |")
    print("|---|---|---|---|---|", flush=True)
    show([measure_starts()])
    with both_servers() as (ours, theirs):
        show(measure_idle(ours.pid, theirs.pid))
        sides = (
            Side(api_url=ours.api_url, pid=ours.pid, key=ours.api_key),
            Side(api_url=theirs.api_url, pid=theirs.pid),
        )
        show(asyncio.run(measure_calls(*sides)))
        show(measure_flows(ours, theirs))
        writes = measure_bare_writes(ours)
        show([measure_imports(theirs.home)])
        show([measure_suspends(ours, theirs)])
    show(measure_resumes())
    with approvals_server(is_command=True) as server:
        waiting = asyncio.run(held.hold(server, 10_000))
    print(f"\nThe requests of an empty flow, by httpx alone: {writes}.")
    print(f"Held requests of one process: {waiting}.")
    with bare_stack.bare_server("hold") as bare:
        limit = asyncio.run(held.hold_bare(bare, 10_000))
    print(f"The same, of uvicorn alone: {limit}.")
    print(
        f"Of one commit: {bare_stack.measure_commit():.1f} ms. Of Django, its admin and one"
        f" operation of Ninja: {bare_stack.measure_memory():.0f} MB."
    )


def show(rows: list[Row]) -> None:
    print(*rows, sep="\n", flush=True)


if __name__ == "__main__":
    main()
