"""Flows whose results outlive their processes; `RESULTS` says where they are stored."""

import asyncio
import os
import time
from pathlib import Path

from flowruns import asuspend_flow_run, flow, run_deployment, serve, task

RESULTS = os.environ["RESULTS"]


def note(folder: str, line: str) -> None:
    with (Path(folder) / "notes").open("a") as notes:
        notes.write(f"{line}\n")


@task
def square(folder: str, number: int) -> int:
    note(folder, f"squared {number}")
    return number * number


@flow
def summing(folder: str, numbers: list[int]) -> int:
    note(folder, "summed")
    squares: list[int] = square.map(folder, numbers).result()
    return sum(squares) + square(folder, numbers[0])


@flow
async def doubling(folder: str, number: int) -> int:
    note(folder, f"doubled {number}")
    return 2 * number


@flow(persist_result=False)
def passing(folder: str) -> int:
    note(folder, "passed")
    return square(folder, 9)


@flow(result_storage=RESULTS)
async def composing(folder: str) -> list[int]:
    total = summing(folder, [1, 2, 3])
    doubled = await asyncio.gather(doubling(folder, 1), doubling(folder, total))
    passed = passing(folder)
    await asuspend_flow_run()
    note(folder, f"went on with {total}, {doubled} and {passed}")
    return [total, *doubled]


@task(persist_result=False)
def nap() -> None:
    time.sleep(0.1)


@flow
def lasting(folder: str) -> None:
    note(folder, "began")
    while not (Path(folder) / "go").exists():
        nap()


@flow(result_storage=RESULTS)
def lingering(folder: str) -> None:
    parameters = {"folder": folder, "number": 5}
    run_deployment("doubling/results", parameters=parameters, poll_interval=0.3)
    lasting(folder)


@flow
def ordering(folder: str) -> int:
    run = run_deployment(
        "doubling/results",
        parameters={"folder": folder, "number": 4},
        flow_run_name="ordered",
        tags=["ordered"],
        job_variables={"cpu": 2},
        idempotency_key=f"order of {folder}",
        poll_interval=0.3,
    )
    return len(run.name)


if __name__ == "__main__":
    serve(*(each.to_deployment("results") for each in (composing, lingering, ordering, doubling)))
