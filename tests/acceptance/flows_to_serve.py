"""Flows that the acceptance tests serve: `flows_to_serve.py LIMIT`."""

import os
import sys
import time
from pathlib import Path

from flowruns import flow, serve, task


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


if __name__ == "__main__":
    deployments = (
        adding.to_deployment("desk"),
        dying.to_deployment("desk"),
        napping.to_deployment("desk"),
    )
    serve(*deployments, limit=int(sys.argv[1]))
