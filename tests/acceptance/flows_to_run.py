"""Flows that the acceptance tests run in processes of their own: `flows_to_run.py NAME`.

The last line that one prints is its result as JSON.
"""

import asyncio
import json
import sys
import time
from typing import Any
from uuid import UUID

from flowruns import (
    RunInput,
    apause_flow_run,
    flow,
    get_run_logger,
    pause_flow_run,
    task,
    wait_for_flow_run,
)
from flowruns.exceptions import ApprovalRejected, FlowPauseTimeout, PauseEnded


class Approval(RunInput):
    approve: bool
    reason: str = ""


@flow(log_prints=True)
def refund(order: int, amount: float) -> list[Any]:
    print(f"Refund {amount} for order {order}")
    asks = Approval.with_initial_data(description=f"Refund **{amount} EUR** for order {order}?")
    answer = pause_flow_run(wait_for_input=asks, poll_interval=0.5)
    get_run_logger().warning("answered: %s", answer.reason)
    return [answer.approve, answer.reason]


@flow
async def refund_async(order: int) -> list[Any]:
    answer = await apause_flow_run(Approval, poll_interval=0.5)
    number = await pause_flow_run(int, poll_interval=0.5)  # type: ignore[misc]
    return [order, answer.approve, number]


@flow
def timing_out(seconds: float) -> float:
    began = time.monotonic()
    try:
        pause_flow_run(timeout=seconds)
    except FlowPauseTimeout:
        return time.monotonic() - began
    raise AssertionError("somebody answered")


@flow
async def timing_out_async(seconds: float) -> float:
    began = time.monotonic()
    try:
        await apause_flow_run(timeout=seconds)
    except FlowPauseTimeout:
        return time.monotonic() - began
    raise AssertionError("somebody answered")


@flow
def ending() -> list[str]:
    try:
        pause_flow_run(poll_interval=0.5)
    except ApprovalRejected as error:
        return ["ApprovalRejected", error.reviewer, error.reason]
    except PauseEnded as error:
        return [type(error).__name__]
    return ["resumed"]


@task
async def ask(number: int) -> int:
    return number + await apause_flow_run(int, poll_interval=0.3)


@flow
async def asking_several() -> int:
    together = await asyncio.gather(ask(100), ask(200))
    return sum(together) + ask.submit(300).result()


attempts: list[int] = []


@flow(retries=2)  # on Prefect's server a pause uses up one
def retried() -> int:
    attempts.append(pause_flow_run(int, poll_interval=0.3))
    if len(attempts) == 1:
        raise ValueError("once more")
    return sum(attempts)


@flow
async def waiting_for(flow_run_ids: list[str]) -> list[str | None]:
    waits = [wait_for_flow_run(UUID(run_id), poll_interval=0.5) for run_id in flow_run_ids]
    return [run.state_name for run in await asyncio.gather(*waits)]


def main() -> None:
    name, *arguments = sys.argv[1:]
    called = globals()[name](*map(json.loads, arguments))
    result = asyncio.run(called) if asyncio.iscoroutine(called) else called
    sys.stdout.write(f"\n{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
