"""Flows that are killed and cut off: `flows_to_break.py run NAME FOLDER`, or `… serve LIMIT`.

Each notes in its folder what it does, and which process does it.
"""

import os
import sys
import time
from pathlib import Path
from uuid import UUID

from flowruns import (
    RunInput,
    flow,
    pause_flow_run,
    serve,
    suspend_flow_run,
    task,
    wait_for_flow_run,
)


def note(folder: str, line: str) -> None:
    with (Path(folder) / "notes").open("a") as notes:
        notes.write(f"{line}\n")


class Approval(RunInput):
    approve: bool


@task
def charge(folder: str, order: int) -> str:
    note(folder, f"charged {order}")
    return f"receipt {order}"


@task(persist_result=False)
def work(folder: str, seconds: float) -> None:
    note(folder, "working")
    time.sleep(seconds)


@flow(persist_result=True)
def asking(folder: str) -> None:
    note(folder, f"begun by {os.getpid()}")
    receipts = [charge(folder, 1), charge(folder, 2)]
    answer = pause_flow_run(wait_for_input=Approval, poll_interval=0.5)
    note(folder, f"answered {answer.approve} for {receipts}")


@flow(persist_result=True)
def suspending(folder: str) -> None:
    note(folder, f"begun by {os.getpid()}")
    receipts = [charge(folder, 1), charge(folder, 2)]
    answer = suspend_flow_run(wait_for_input=Approval)
    note(folder, f"answered {answer.approve} for {receipts}")


@flow(persist_result=True)
def working(folder: str, seconds: float = 60) -> None:
    note(folder, f"begun by {os.getpid()}")
    charge(folder, 1)
    work(folder, seconds)
    note(folder, "done")


@flow
def watching(folder: str, flow_run_id: str) -> None:
    note(folder, f"begun by {os.getpid()}")
    run = wait_for_flow_run(UUID(flow_run_id), poll_interval=0.5, log_states=True)
    note(folder, f"saw {run.state_name}")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "run":
        name, *parameters = arguments
        globals()[name](*parameters)
    else:
        flows = (asking, suspending, working)
        serve(*(each.to_deployment("desk") for each in flows), limit=int(arguments[0]))
