"""Runs a flow of so many short tasks with Prefect's client, or serves it."""

import sys
import time

from prefect import flow, task


@task
def step(number: int) -> int:
    time.sleep(0.1)
    return number


@flow
def steps(count: int = 600) -> None:
    for number in range(count):
        step(number)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        steps(int(sys.argv[1]))
    else:
        steps.serve(name="desk")
