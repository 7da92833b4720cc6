"""Flows that the acceptance tests serve: `flows_to_serve.py LIMIT`."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from flowruns import (
    FlowRun,
    RunInput,
    State,
    flow,
    pause_flow_run,
    serve,
    suspend_flow_run,
    task,
)


def note(folder: str, line: str) -> None:
    with (Path(folder) / "notes").open("a") as notes:
        notes.write(f"{line}\n")


@flow(log_prints=True, retries=1)
def adding(folder: str, a: int, b: int = 2) -> int:
    print(f"{a} and {b}")
    note(folder, f"added {a + b}")
    return a + b


@flow
async def dying(number: int) -> None:
    os.kill(os.getpid(), number)


@task
def nap(seconds: float) -> None:
    time.sleep(seconds)


@flow
def napping(folder: str, seconds: float) -> None:
    note(folder, "begun")
    nap(seconds)
    note(folder, "done")


class Approval(RunInput):
    approve: bool


@task
def charge(folder: str, order: int) -> str:
    note(folder, f"charged {order}")
    return f"receipt {order}"


@flow(persist_result=True)
def asking(folder: str) -> None:
    note(folder, f"begun by {os.getpid()}")
    receipts = [charge(folder, 1), charge.submit(folder, 2).result()]
    answer = suspend_flow_run(wait_for_input=Approval)
    note(folder, f"answered {answer.approve} for {receipts}")


@flow
def stepping(folder: str, stop: str) -> None:
    note(folder, "begun")
    while not Path(stop).exists():
        nap(0.1)
    note(folder, "done")


def note_the_cancellation(flow: Any, flow_run: FlowRun, state: State[Any]) -> None:
    note(str(flow_run.parameters["folder"]), f"hook saw {state.name}")


@flow(on_cancellation=[note_the_cancellation])
def yielding(folder: str, asks: bool = False) -> None:
    note(folder, "begun")
    if asks:
        pause_flow_run(poll_interval=0.3)
    nap(60)


@flow(on_cancellation=[note_the_cancellation])
async def yielding_async(folder: str) -> None:
    note(folder, "begun")
    await asyncio.sleep(60)


@flow(on_cancellation=[note_the_cancellation])
def stubborn(folder: str) -> None:
    """Notice nothing of the signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note(folder, "begun")
    nap(60)


if __name__ == "__main__":
    deployments = (
        adding.to_deployment("desk"),
        asking.to_deployment("desk"),
        stepping.to_deployment("desk"),
        dying.to_deployment("desk"),
        yielding.to_deployment("desk"),
        yielding_async.to_deployment("desk"),
        stubborn.to_deployment("desk"),
        napping.to_deployment("desk"),
    )
    serve(*deployments, limit=int(sys.argv[1]))
