"""Flows of the shapes that Prefect's documents show: `documented_flows.py serve|NAME`.

Their style is that of the documents: f-strings in logs, and `await` on calls that are typed for
sync code.
"""

# ruff: noqa: ASYNC250, G004, TRY400
# mypy: disable-error-code="misc, func-returns-value"

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import pydantic

from flowruns import (
    RunInput,
    StateType,
    flow,
    get_client,
    get_run_context,
    get_run_logger,
    pause_flow_run,
    receive_input,
    run_deployment,
    send_input,
    serve,
    suspend_flow_run,
    task,
    wait_for_flow_run,
)
from flowruns.blocks import JSON
from flowruns.variables import Variable

# --- pausing for input


@flow
def ask_for_a_text() -> None:
    logger = get_run_logger()
    city = pause_flow_run(wait_for_input=str)
    logger.info(f"Off to {city}")


class Traveller(pydantic.BaseModel):
    name: str
    bags: int


@flow
async def ask_for_a_model() -> None:
    logger = get_run_logger()
    traveller = await pause_flow_run(wait_for_input=Traveller)
    logger.info(f"{traveller.name} has {traveller.bags} bags")


class Seat(RunInput):
    row: int
    letter: str = "A"

    def label(self) -> str:
        return f"{self.row}{self.letter}"


@flow
async def ask_for_a_run_input() -> None:
    seat = await pause_flow_run(wait_for_input=Seat)
    get_run_logger().info(f"Seat {seat.label()}")


@flow
async def ask_with_initial_data() -> None:
    today = datetime.now(UTC).strftime("%d %B %Y")
    text = f"""
**Choose a seat** for {today}

- **row**: a number
- **letter**: *A* is by the window
"""
    seat = await pause_flow_run(
        wait_for_input=Seat.with_initial_data(description=text, row=12),
    )
    if seat.row == 12:
        get_run_logger().info("Kept the proposed row")
    else:
        get_run_logger().info(f"Moved to row {seat.row}")


class Meal(RunInput):
    course: Literal["fish", "soup", "cake"]
    drink: Literal["water", "milk"]

    @pydantic.model_validator(mode="after")
    def go_together(self) -> "Meal":
        if self.course == "fish" and self.drink == "milk":
            raise ValueError("There is no milk with fish.")
        return self


@flow
def ask_until_it_is_right() -> None:
    logger = get_run_logger()
    meal = None
    while meal is None:
        try:
            meal = pause_flow_run(wait_for_input=Meal)
        except pydantic.ValidationError as error:
            logger.error(f"Not on the menu: {error}")
    logger.info(f"Served: {meal.course}, {meal.drink}")


# --- pausing without input


@task
async def first_half() -> str:
    return "Why did the flow pause?"


@task
async def second_half() -> str:
    return "Somebody had to approve."


@flow(log_prints=True)
async def tell_a_joke() -> None:
    print(await first_half())
    await pause_flow_run(timeout=600)
    print(await second_half())


@task
def count() -> int:
    for number in range(3):
        time.sleep(0.05)
        print(number)
    return 3


@flow(log_prints=True)
def pause_after_success() -> None:
    state = count.submit(return_state=True)
    if state.type == StateType.COMPLETED:
        print("Counted; now waiting")
        pause_flow_run(timeout=600)
    else:
        print("Not counted; not waiting")


# --- suspending


@task(persist_result=True)
def expensive() -> int:
    return 42


@flow(persist_result=True)
def suspend_between_tasks() -> None:
    first = expensive.submit()
    suspend_flow_run(timeout=600)
    second = expensive.submit()
    third = expensive(wait_for=[first])
    fourth = expensive(wait_for=[second])
    fifth = expensive(wait_for=[first, second])
    get_run_logger().info(f"Sum {third + fourth + fifth}")


# --- sending and receiving

STOP = "__stop__"


@flow(log_prints=True)
async def translator() -> None:
    context = get_run_context()
    assert context.flow_run, "no flow run"  # type: ignore[union-attr] # as the documents have it
    async for word in receive_input(str, with_metadata=True, poll_interval=0.1, timeout=None):
        if word.value == STOP:
            print("Done")
            return
        await word.respond(word.value.upper())


@flow
async def tourist() -> None:
    translating = await run_deployment("translator/words", timeout=0, as_subflow=False)
    receiver = receive_input(str, timeout=None, poll_interval=0.1)
    client = get_client()
    while True:
        run = await client.read_flow_run(translating.id)
        if not run.state or not run.state.is_running():
            continue
        word = input("Which word? ")
        if not word:
            continue
        if word in {"q", "quit"}:
            await send_input(STOP, flow_run_id=translating.id)
            print("Bye")
            break
        await send_input(word, flow_run_id=translating.id)
        print(await receiver.next())


@flow(persist_result=True)
async def listen_then_suspend(seconds: float = 1) -> None:
    logger = get_run_logger()
    heard = f"{get_run_context().flow_run.id}-heard"  # type: ignore[union-attr]
    keys = await Variable.get(heard, default=[])
    numbers = receive_input(
        int,
        with_metadata=True,
        raise_timeout_error=True,
        timeout=seconds,
        poll_interval=0.1,
        exclude_keys=keys,
    )
    try:
        async for number in numbers:
            logger.info(f"Heard {number.value} as {number.metadata.key}")
            keys.append(number.metadata.key)
            await Variable.set(heard, keys, overwrite=True)
    except TimeoutError:
        logger.info("Nobody speaks; suspending")
        await suspend_flow_run(timeout=600)
        logger.info(f"Resumed, having heard {len(keys)}")


@flow(log_prints=True)
async def parrot() -> None:
    """Keeps what it has heard in a block, as older documents do."""
    name = f"{get_run_context().flow_run.id}-heard"  # type: ignore[union-attr]
    try:
        heard = await JSON.load(name)
    except ValueError:
        heard = JSON(value=[])
    async for word in receive_input(str, with_metadata=True, poll_interval=0.1, timeout=None):
        if word.value == STOP:
            print(f"Heard {len(heard.value)}")
            return
        await word.respond(word.value)
        heard.value.append(word.metadata.key)
        await heard.save(name=name, overwrite=True)


@flow
async def speaker(parrot_id: UUID) -> None:
    for word in ("Hello", "again"):
        await send_input(word, flow_run_id=parrot_id)
        assert await receive_input(str, timeout=60, poll_interval=0.1).next() == word
    await send_input(STOP, flow_run_id=parrot_id)


class Measure(RunInput):
    centimetres: int


@flow
async def converter() -> None:
    async for measure in Measure.receive(timeout=None, poll_interval=0.1):
        await measure.respond(Measure(centimetres=measure.centimetres * 100))
        return


@flow
async def measurer(converter_id: UUID) -> None:
    await Measure(centimetres=3).send_to(converter_id)
    answer = await Measure.receive(timeout=20, poll_interval=0.1).next()
    get_run_logger().info(f"{answer.centimetres} cm")


# --- waiting for runs


@flow
def quick(number: int = 1) -> int:
    return number


async def wait_for_one(deployment_id: str) -> None:
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment_id=deployment_id)
        run = await wait_for_flow_run(flow_run_id=run.id)
        print(run.state)


async def wait_for_many(deployment_id: str, num_runs: int) -> None:
    async with get_client() as client:
        runs = [
            await client.create_flow_run_from_deployment(deployment_id=deployment_id)
            for _ in range(num_runs)
        ]
        waits = [wait_for_flow_run(flow_run_id=run.id) for run in runs]
        finished = await asyncio.gather(*waits)
        print([run.state for run in finished])


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    if name == "serve":
        served = (translator, listen_then_suspend, suspend_between_tasks, quick)
        serve(*(each.to_deployment("words") for each in served), limit=10)
    elif name == "wait_for_one":
        asyncio.run(wait_for_one(*arguments))
    elif name == "wait_for_many":
        asyncio.run(wait_for_many(arguments[0], num_runs=int(arguments[1])))
    else:
        called = globals()[name](*arguments)
        if asyncio.iscoroutine(called):
            asyncio.run(called)
