"""Flows that time themselves: `timed_flows.py flowruns|prefect`; prints milliseconds by name."""

import asyncio
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 5
TASKS = 100
# So long the server stores what the flow before has told of its tasks
_REST_SECONDS = 2
library: Any = importlib.import_module(sys.argv[1])


@library.flow  # type: ignore[untyped-decorator]
def empty() -> None:
    pass


@library.flow  # type: ignore[untyped-decorator]
async def empty_async() -> None:
    pass


@library.task  # type: ignore[untyped-decorator]
def small(number: int) -> int:
    return number


@library.flow  # type: ignore[untyped-decorator]
def hundred_tasks() -> int:
    return sum(small(number) for number in range(TASKS))


def measure(run: Callable[[], object], *, rounds: int = ROUNDS, rest: float = 0) -> float:
    """Return the median; the first run opens connections, and does not count."""
    taken = []
    for _ in range(rounds + 1):
        time.sleep(rest)
        began = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[1:])


async def measure_async() -> float:
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        await empty_async()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken[1:])


if __name__ == "__main__":
    times = {
        "empty": measure(empty),
        "empty_async": asyncio.run(measure_async()),
        "tasks": measure(hundred_tasks, rounds=2, rest=_REST_SECONDS),
        "tasks_again": measure(hundred_tasks, rounds=2),
    }
    print(json.dumps(times))
