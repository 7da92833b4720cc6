"""A flow of Prefect's client, with tasks of every kind."""

import asyncio

from prefect import flow, task

attempts = []


@task
def add(number: int) -> int:
    return number + 1


@task(retries=1)
def fails_once() -> str:
    attempts.append(1)
    if len(attempts) == 1:
        raise ValueError("the first time")
    return "better"


@task
async def later(number: int) -> int:
    await asyncio.sleep(0)
    return number


@flow
def child(number: int) -> int:
    return add(number)


@flow
async def async_child() -> list[int]:
    return list(await asyncio.gather(*(later(number) for number in range(3))))


@flow(log_prints=True)
def parent() -> int:
    total = sum(future.result() for future in add.map(list(range(3))))
    print("total", total)
    fails_once()
    asyncio.run(async_child())
    return add.submit(child(total)).result()


if __name__ == "__main__":
    parent()
