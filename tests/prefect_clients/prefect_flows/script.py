"""A team's flows, written for Prefect alone: `script.py` runs one, then its async sister."""

import asyncio
import json
from typing import Any

from prefect import flow, get_run_logger, pause_flow_run, task
from prefect.input import RunInput
from pydantic import Field

attempts: list[int] = []


class Decision(RunInput):
    approve: bool
    amount: float = Field(gt=0)
    note: str = ""


@task(retries=2, retry_delay_seconds=0)
def fetch(order: int) -> int:
    attempts.append(order)
    if attempts.count(order) == 1:
        raise ConnectionError("the shop does not answer yet")
    return order


@task
def double(number: int) -> int:
    return 2 * number


@flow(log_prints=True)
def sum_up(numbers: list[int]) -> int:
    print(f"summing up {numbers}")
    return sum(numbers)


@flow
async def sum_up_async(numbers: list[int]) -> int:
    return sum(numbers)


def ask_for(total: int) -> type[RunInput]:
    return Decision.with_initial_data(
        description=f"Refund **{total} EUR**?", amount=float(total), note="by card"
    )


@flow(log_prints=True)
def refund(order: int) -> list[Any]:
    print(f"refunding order {order}")
    fetched = fetch.submit(order).result()
    total = sum_up(double.map([fetched, 1, 2]).result())
    decision = pause_flow_run(wait_for_input=ask_for(total), timeout=120, poll_interval=1)
    boxes = pause_flow_run(wait_for_input=int, timeout=120, poll_interval=1)
    get_run_logger().info("decided: %s", decision.note)
    return [decision.approve, decision.amount, decision.note, boxes]


@flow(log_prints=True)
async def refund_async(order: int) -> list[Any]:
    print(f"refunding order {order}")
    fetched = fetch.submit(order).result()
    total = await sum_up_async(double.map([fetched, 1, 2]).result())
    decision = await pause_flow_run(wait_for_input=ask_for(total), timeout=120, poll_interval=1)
    boxes = await pause_flow_run(wait_for_input=int, timeout=120, poll_interval=1)
    return [decision.approve, decision.amount, decision.note, boxes]


if __name__ == "__main__":
    print(json.dumps(refund(7)), flush=True)
    print(json.dumps(asyncio.run(refund_async(8))), flush=True)
