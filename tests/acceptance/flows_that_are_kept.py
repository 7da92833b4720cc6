"""Flows whose outcomes are kept: `SCHEDULE` says how one of them is scheduled."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from flowruns import (
    State,
    apause_flow_run,
    flow,
    pause_flow_run,
    serve,
    suspend_flow_run,
    task,
)
from flowruns.exceptions import PauseRefused
from flowruns.schedules import Interval, Schedule
from tests.answered_flows import KINDS

SCHEDULES: dict[str, Schedule] = {
    "daily": Interval(timedelta(days=1)),
    "switched on": Interval(timedelta(days=1), active=True),
    "weekly": Interval(timedelta(weeks=1)),
}


def note(folder: str, line: str) -> None:
    with (Path(folder) / "notes").open("a") as notes:
        notes.write(f"{line}\n")


def ask(kind: str) -> Any:
    return pause_flow_run(wait_for_input=KINDS[kind][0], poll_interval=0.2)


@task
def ask_in_task(kind: str) -> Any:
    return ask(kind)


@flow
def ask_in_subflow(kind: str) -> Any:
    return ask(kind)


@flow(persist_result=True)
def keeping() -> dict[str, list[Any]]:
    stored = {kind: [ask_in_task(kind), ask_in_subflow(kind)] for kind in KINDS}
    suspend_flow_run(key="half")
    return {kind: [*answers, ask(kind)] for kind, answers in stored.items()}


@task
def hold(what: Any) -> str:
    return type(what).__name__


@task
def make_lock() -> Any:
    return threading.Lock()


@flow(persist_result=True)
def odd() -> list[str]:
    held = [hold(each) for each in (threading.Lock(), lambda: 1, (x for x in "ab"))]
    for _ in range(2):
        make_lock()
    try:
        suspend_flow_run()
    except PauseRefused as error:
        held.append(str(error))
    return held


tries: list[int] = []


@flow(retries=1, log_prints=True)
def once_more() -> Iterator[Any]:
    tries.append(1)
    print(f"try {len(tries)}")
    yield len(tries)
    if len(tries) == 1:
        raise ValueError("once")
    yield pause_flow_run(wait_for_input=int, poll_interval=0.2)


@flow
async def asking_async() -> AsyncIterator[Any]:
    yield "asked"
    yield await apause_flow_run(wait_for_input=int, poll_interval=0.2)


def hook(_: Any, run: Any, state: State[Any]) -> None:
    note(run.parameters["folder"], f"{state.name}: {state.message}")


@flow(on_failure=[hook])
async def failing(folder: str) -> AsyncIterator[int]:
    yield 1
    raise ValueError("after one")


@flow(timeout_seconds=0.2)
async def endless() -> AsyncIterator[int]:
    yield 1
    await asyncio.sleep(600)


@task(retries=1)
def numbers(most: int) -> Iterator[int]:
    yield from range(most)


async def take(items: Any) -> list[Any]:
    taken: list[Any] = []
    try:
        async for item in items:
            taken.append(item)  # noqa: PERF401 -- those before the error count
    except Exception as error:  # noqa: BLE001 -- it is what is looked at
        taken.append(str(error))
    return taken


@flow(persist_result=True)
async def yielding(folder: str) -> list[Any]:
    async_items = [await take(each) for each in (asking_async(), failing(folder), endless())]
    whole: Any = numbers.submit(3)
    return [[*once_more()], *async_items, [*numbers(2)], whole.result()]


@task
def divide(number: int) -> float:
    return 1 / number


@flow(persist_result=False)
def dividing() -> list[State[float]]:
    return [divide(number, return_state=True) for number in (1, 0, 2)]


may_end = threading.Event()


@task
def fail_second(number: int) -> int:
    if number == 1:
        raise ValueError("the second")
    assert may_end.wait(600)
    return number


@flow(persist_result=True)
def mapping() -> list[Any]:
    state: State[Any] = dividing(return_state=True)
    names = [each.name for each in state.result(raise_on_failure=False)]
    try:
        fail_second.map([0, 1]).result()
    except ValueError as error:
        return [state.message, names, str(error)]
    finally:
        may_end.set()
    return []


@flow(on_cancellation=[hook])
def leaving(folder: str) -> None:
    suspend_flow_run()


if __name__ == "__main__":
    served = [each.to_deployment("kept") for each in (keeping, odd, yielding, mapping)]
    schedule = SCHEDULES[os.environ.get("SCHEDULE", "daily")]
    serve(*served, leaving.to_deployment("kept", schedule=schedule))
