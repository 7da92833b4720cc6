"""Flows that the acceptance tests run in processes of their own: `flows_to_run.py NAME`.

The last line that one prints is its result as JSON.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Optional
from uuid import UUID

from pydantic import BaseModel

from flowruns import (
    RunInput,
    ThreadPoolTaskRunner,
    apause_flow_run,
    asend_input,
    flow,
    get_run_logger,
    pause_flow_run,
    receive_input,
    task,
    wait_for_flow_run,
)
from flowruns.artifacts import (
    acreate_progress_artifact,
    aupdate_progress_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from flowruns.exceptions import (
    AnswerBelongsElsewhere,
    ApprovalRejected,
    FlowPauseTimeout,
    PauseEnded,
)


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
        pause_flow_run(timeout=seconds, poll_interval=120)
    except FlowPauseTimeout:
        return time.monotonic() - began
    raise AssertionError("somebody answered")


@flow
async def timing_out_async(seconds: float) -> float:
    began = time.monotonic()
    try:
        await apause_flow_run(timeout=seconds, poll_interval=120)
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


class Number(RunInput):
    value: int


@flow
def answering() -> list[int]:
    heard: list[int] = []
    for number in Number.receive(timeout=20, poll_interval=0.2):
        number.respond(f"{number.value} heard")
        heard.append(number.value)
        if number.value == 0:
            break
    return heard


@flow
async def asking_another(flow_run_id: str) -> list[str]:
    replies: list[str] = []
    for value in (3, 0):
        await asend_input(Number(value=value), UUID(flow_run_id))
        replies.append(await receive_input(str, timeout=20, poll_interval=0.2).anext())
    return replies


@flow
def hearing_nothing(seconds: float) -> float:
    began = time.monotonic()
    assert list(receive_input(int, timeout=seconds, poll_interval=0.7)) == []
    return time.monotonic() - began


@task
def take_a_moment() -> float:
    started = time.time()
    time.sleep(0.5)
    return started


@flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
def queueing() -> list[Any]:
    futures = [take_a_moment.submit() for _ in range(3)]
    pause_flow_run(poll_interval=0.3)
    return [time.time(), *(future.result() for future in futures)]


@flow(timeout_seconds=1)
def limited() -> None:
    pause_flow_run(poll_interval=0.3)
    time.sleep(60)


@flow
def asking_twice() -> list[Any]:
    answers: list[Any] = [pause_flow_run(int, key="amount", poll_interval=0.3) for _ in range(2)]
    try:
        return [*answers, pause_flow_run(bool, key="amount")]
    except AnswerBelongsElsewhere as error:
        return [*answers, str(error)]


_tries: list[int] = []


@task(retries=1)
def double(number: int) -> int:
    _tries.append(number)
    if _tries.count(number) == 1 and number == 2:
        raise ValueError("the first time")
    return 2 * number


@flow
def doubling() -> list[int]:
    return [future.result() for future in double.map([1, 2, 3])]


@flow
def watching(flow_run_id: str) -> str | None:
    run = wait_for_flow_run(UUID(flow_run_id), poll_interval=2, log_states=True)
    return str(run.state_name)


class Item(BaseModel):
    name: str
    count: int = 1


@dataclass
class Address:
    street: str
    number: int | None = None


ASKED: dict[str, Any] = {
    "int": int,
    "str": str,
    "bool": bool,
    "items": list[Item],
    "literal": Literal["small", "large", 3],
    "optional": Optional[int],  # noqa: UP045 -- one of the two ways to say it
    "nothing": int | None,
    "dataclass": Address,
    "dict": dict[str, int],
    "union": int | Literal["many"],
    "datetime": datetime,
}


@flow
def asking_for_types() -> dict[str, str]:
    answers = {
        name: pause_flow_run(wait_for_input=kind, key=name, poll_interval=0.3)
        for name, kind in ASKED.items()
    }
    assert answers["datetime"].tzinfo is not None
    return {name: repr(answer) for name, answer in answers.items()} | {
        "datetime": answers["datetime"].isoformat()
    }


@task
def show_the_table() -> None:
    create_table_artifact([{"order": 7, "amount": 79.9}], key="refunds")


@flow
def showing() -> None:
    show_the_table()
    create_markdown_artifact("**1** refund", description="What was found")
    create_link_artifact("https://example.com/7", "Order 7", key="order-7")
    create_image_artifact("https://example.com/7.png")
    progress = create_progress_artifact(10, key="progress")
    update_progress_artifact(progress, 80)


@flow
async def showing_async() -> None:
    await create_markdown_artifact("**1** refund", key="finding")  # type: ignore[misc]
    progress = await acreate_progress_artifact(10)
    await aupdate_progress_artifact(progress, 80, description="Nearly")


def main() -> None:
    name, *arguments = sys.argv[1:]
    called = globals()[name](*map(json.loads, arguments))
    result = asyncio.run(called) if asyncio.iscoroutine(called) else called
    sys.stdout.write(f"\n{json.dumps(result)}\n")


if __name__ == "__main__":
    main()
