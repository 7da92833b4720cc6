"""Flows that a team serves: `serving.py NOTES` notes what happens in that file."""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from prefect import flow, pause_flow_run, serve, suspend_flow_run, task
from prefect.input import RunInput


class Decision(RunInput):
    approve: bool
    reason: str = ""


def note(path: str, line: str) -> None:
    with Path(path).open("a") as notes:
        notes.write(f"{line}\n")


@task(persist_result=True)
def charge(notes: str, item: int) -> str:
    note(notes, f"charged {item}")
    return f"receipt {item}"


@flow(log_prints=True, persist_result=True)
def refund(notes: str) -> bool:
    note(notes, f"refund in {os.getpid()}")
    receipts = [charge(notes, item) for item in (1, 2)]
    decision = suspend_flow_run(wait_for_input=Decision, timeout=600)
    note(notes, f"{decision.approve} for {', '.join(receipts)}")
    return decision.approve


@flow
def ask(notes: str, poll_interval: int = 1) -> bool:
    note(notes, f"ask in {os.getpid()}")
    decision = pause_flow_run(
        wait_for_input=Decision.with_initial_data(description="Refund?"),
        timeout=600,
        poll_interval=poll_interval,
    )
    return decision.approve


@flow
def nap(notes: str, seconds: float) -> None:
    note(notes, "nap begun")
    time.sleep(seconds)
    note(notes, "nap ended")


@task
def step(number: int) -> int:
    return number


@task
def hold_on(go_on: str) -> None:
    while not Path(go_on).exists():
        time.sleep(0.1)


@flow
def hold(notes: str, go_on: str) -> None:
    """Have one task that ends when a file is there."""
    note(notes, f"holding in {os.getpid()}")
    hold_on(go_on)


@flow
def work(notes: str, go_on: str) -> int:
    """Count until a file is there; a suspension stops it at its next task."""
    note(notes, f"work in {os.getpid()}")
    number = 0
    while not Path(go_on).exists():
        number += step(1)
        time.sleep(0.5)
    note(notes, "work ended")
    return number


if __name__ == "__main__":
    notes = {"notes": sys.argv[1]}
    hourly = {"cron": "0 * * * *", "parameters": {**notes, "seconds": 0}}
    often = {"interval": timedelta(seconds=5), "parameters": {**notes, "seconds": 0}}
    serve(
        *(each.to_deployment("desk") for each in (refund, ask, nap, hold, work)),
        nap.to_deployment("hourly", **hourly),
        *([nap.to_deployment("often", **often)] if "often" in sys.argv else []),
        limit=1 if "one" in sys.argv else 5,
    )
