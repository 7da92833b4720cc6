"""Tasks and blocks of code that wait for slots of limits, with Prefect's own client."""

import sys
import time
from pathlib import Path

from prefect import flow, task
from prefect.concurrency.sync import concurrency, rate_limit

NOTES = Path(sys.argv[1])


def note(word: str) -> None:
    with NOTES.open("a") as notes:
        notes.write(f"{word}\n")


@task(tags=["slow"])
def work(number: int) -> int:
    rate_limit("requests")
    with concurrency("database", strict=True):
        note("begin")
        time.sleep(0.3)
        note("end")
    return number


@flow
def limited() -> None:
    work.map([1, 2, 3]).result()


if __name__ == "__main__":
    limited()
