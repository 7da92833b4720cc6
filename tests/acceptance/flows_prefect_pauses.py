"""Flows written for Prefect that wait for people: blocking ones here, and one that is served."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from prefect import (  # type: ignore[import-not-found]  # in an environment of its own
    flow,
    pause_flow_run,
    serve,
    suspend_flow_run,
)
from prefect.input import RunInput  # type: ignore[import-not-found]


class Approval(RunInput):  # type: ignore[misc]
    approve: bool
    reason: str = ""


def note(folder: str, name: str, answer: Any) -> None:
    (Path(folder) / name).write_text(answer.model_dump_json())


@flow  # type: ignore[untyped-decorator]
async def blocking(folder: str, name: str) -> None:
    asked = Approval.with_initial_data(description="**Refund?**")
    note(folder, name, await pause_flow_run(wait_for_input=asked, timeout=300, poll_interval=1))


@flow  # type: ignore[untyped-decorator]
def suspending(folder: str) -> None:
    note(folder, "suspended", suspend_flow_run(wait_for_input=Approval, timeout=300))


async def block(folder: str, count: int) -> None:
    runs = (blocking(folder, f"blocked-{number}") for number in range(count))
    await asyncio.gather(*runs, return_exceptions=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["block", folder, count]:
            asyncio.run(block(folder, int(count)))
        case ["serve"]:
            serve(suspending.to_deployment("desk"))
