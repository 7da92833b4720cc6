"""Flows that ask, and begin again after it; tests edit a copy of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowruns import RunInput, flow, pause_flow_run, serve, suspend_flow_run, task


class Ok(RunInput):
    ok: bool
    # The form gets a field here.


def begin(folder: str) -> int:
    """Return how often the flow has begun, this time included."""
    with (Path(folder) / "begun").open("a") as begun:
        begun.write("x")
    return (Path(folder) / "begun").stat().st_size


def confirm(what: str) -> bool:
    return bool(suspend_flow_run(wait_for_input=Ok.with_initial_data(description=what)).ok)


@flow(persist_result=True)
def branching(folder: str) -> bool:
    if begin(folder) == 1:
        return confirm("Drop the old table?")
    return confirm("Wire 1,000,000 EUR?")


@task(persist_result=False)
def count(item: str) -> tuple[str, int]:
    return item, pause_flow_run(wait_for_input=int, poll_interval=0.2)


@flow(persist_result=True)
def reordering(folder: str) -> list[tuple[str, int]]:
    items = ["apples", "pears"] if begin(folder) == 1 else ["pears", "apples"]
    first = count.submit(items[0])
    second = count.submit(items[1], wait_for=[first])
    counted = [first.result(), second.result()]
    suspend_flow_run(key="between")
    return counted


@flow(persist_result=True)
def editing() -> bool:
    # The flow gets lines here.
    return confirm("Pay?")


@task(persist_result=False)
def ask_in_task(time: int) -> bool:
    return bool(pause_flow_run(wait_for_input=Ok, poll_interval=0.2).ok)


@task(persist_result=False)
def ask_by_key(time: int) -> bool:
    return bool(pause_flow_run(wait_for_input=Ok, poll_interval=0.2, key="pay").ok)


@flow(persist_result=True)
def ask_in_subflow(time: int) -> bool:
    return bool(pause_flow_run(wait_for_input=Ok, poll_interval=0.2).ok)


ASK: dict[str, Callable[[int], Any]] = {
    "text": lambda time: confirm(f"Is it {time} o'clock?"),
    "argument": ask_in_task,
    "parameter": ask_in_subflow,
    "key": ask_by_key,
}


@flow(persist_result=True)
def changing(folder: str, what: str) -> Any:
    answer = ASK[what](begin(folder))
    for key in ("once", "twice"):
        suspend_flow_run(key=key)
    return answer


if __name__ == "__main__":
    serve(*(each.to_deployment("again") for each in (branching, reordering, editing, changing)))
