"""A flow that keeps, reads, changes and forgets variables, in both of Prefect's manners."""

import json

from prefect import flow, task
from prefect.variables import Variable


@task
def limit_of(desk: str) -> object:
    return Variable.get("limits")[desk]


@flow
def share() -> None:
    Variable.set("limits", {"refunds": 100, "credits": [1, None]}, tags=["money"])
    print(json.dumps([limit_of("refunds"), Variable.get("nothing", default="none")]))
    try:
        Variable.set("limits", 1)
    except ValueError as refusal:
        print(json.dumps(["already exists" in str(refusal)]))
    print(json.dumps([Variable.set("limits", {"refunds": 50}, overwrite=True).value]))
    print(json.dumps([Variable.unset("limits"), Variable.unset("limits"), Variable.get("limits")]))


@flow
async def share_async() -> None:
    await Variable.aset("greeting", "hello")
    await Variable.aset("greeting", "good morning", overwrite=True)
    print(json.dumps([await Variable.aget("greeting"), await Variable.aunset("greeting")]))


if __name__ == "__main__":
    import asyncio

    share()
    asyncio.run(share_async())
