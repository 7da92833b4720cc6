"""Ten thousand requests that one process holds: taking them in, idling, asking again, waking."""

import asyncio
import resource
import time
from dataclasses import dataclass

from tests.benchmarks.bare_stack import BareServer
from tests.benchmarks.load import Connection, cpu_seconds, memory
from tests.servers import ApprovalsServer

_RUNS = 100
_KEYS = 3  # one may have 5,000 requests held
_AT_ONCE = 100
_WAIT_SECONDS = 20
_LOOK_SECONDS = 0.25
_IDLE_SECONDS = 4.0
_QUIET = 0.1  # of a processor


@dataclass(frozen=True, kw_only=True)
class Held:
    """What so many held requests cost the process that holds them."""

    number: int
    seconds: float
    cpu_each: float  # milliseconds
    idle: float  # of a processor
    kilobytes_each: float
    again_each: float  # milliseconds, of the end and of the next request
    wake: float  # milliseconds

    def __str__(self) -> str:
        return (
            f"{self.number:,} in {self.seconds:.1f} s ({self.cpu_each:.2f} ms each,"
            f" {self.kilobytes_each:.0f} kB), idle {self.idle:.1%}, again {self.again_each:.2f} ms,"
            f" wake {self.wake:.0f} ms"
        )


async def hold(server: ApprovalsServer, number: int) -> Held:
    """Hold so many requests on a server, and measure."""
    keys = [server.manage("createapikey", f"holder-{i}").strip() for i in range(_KEYS)]
    first = Connection(server.api_url, server.api_key)
    runs = [await _make_run(first) for _ in range(_RUNS)]
    waiting = [Connection(server.api_url, keys[i % _KEYS]) for i in range(number)]
    return await measure(server.pid, first, waiting, [runs[i % _RUNS] for i in range(number)])


async def hold_bare(server: BareServer, number: int) -> Held:
    """Hold as many requests on a server that does nothing else."""
    first = Connection(server.url)
    waiting = [Connection(server.url) for _ in range(number)]
    asked = [(f"run-{i % _RUNS}", "state") for i in range(number)]
    return await measure(server.pid, first, waiting, asked)


async def measure(
    pid: int, writer: Connection, waiting: list[Connection], asked: list[tuple[str, str]]
) -> Held:
    """Have each connection wait for a run that is in a state, and the writer change the first."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    number, before = len(waiting), memory(pid)
    began, spent = time.monotonic(), cpu_seconds(pid)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(client: Connection, run: tuple[str, str]) -> None:
        async with gate:
            wait = f'Prefer: wait={_WAIT_SECONDS}\r\nIf-None-Match: "{run[1]}"\r\n'
            await client.send("GET", f"/flow_runs/{run[0]}", more=wait)

    await asyncio.gather(*map(ask, waiting, asked))
    settled = await _settle(pid)
    cpu = cpu_seconds(pid) - spent
    size = memory(pid) - before
    idle = cpu_seconds(pid)
    await asyncio.sleep(_IDLE_SECONDS)
    idle = (cpu_seconds(pid) - idle) / _IDLE_SECONDS
    spent = cpu_seconds(pid)
    for client in waiting:
        assert (await client.read())[0] == 304
    await asyncio.gather(*map(ask, waiting, asked))
    await _settle(pid)
    again = cpu_seconds(pid) - spent
    wake = await _wake(writer, waiting, asked)
    for client in waiting:
        client.close()
    return Held(
        number=number,
        seconds=settled - began,
        cpu_each=1000 * cpu / number,
        idle=idle,
        kilobytes_each=1024 * size / number,
        again_each=1000 * again / number,
        wake=wake,
    )


async def _make_run(client: Connection) -> tuple[str, str]:
    """Return the ids of a run and of its state."""
    flow = await client.insist("/flows/", {"name": "held"})
    wanted = {"flow_id": flow["id"], "state": {"type": "RUNNING"}}
    run = await client.insist("/flow_runs/", wanted)
    return run["id"], run["state_id"]


async def _settle(pid: int) -> float:
    """Wait until the process has nothing to do, and return when it was busy last."""
    last, spent = time.monotonic(), cpu_seconds(pid)
    while time.monotonic() - last < 4 * _LOOK_SECONDS:
        await asyncio.sleep(_LOOK_SECONDS)
        now = cpu_seconds(pid)
        if now - spent > _QUIET * _LOOK_SECONDS:
            last = time.monotonic()
        spent = now
    return last


async def _wake(
    writer: Connection, waiting: list[Connection], asked: list[tuple[str, str]]
) -> float:
    """Return the milliseconds from an accepted change to the first who reads of it."""
    proposal = {"state": {"type": "COMPLETED"}, "force": True}
    reader = asyncio.create_task(waiting[0].read())
    await asyncio.sleep(0)
    status, _ = await writer.ask("POST", f"/flow_runs/{asked[0][0]}/set_state", proposal)
    assert status == 201
    changed = time.monotonic()
    assert (await reader)[0] == 200
    return 1000 * (time.monotonic() - changed)
