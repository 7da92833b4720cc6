"""Flows that return what a person answered, for two processes."""

import dataclasses
import sys
from typing import Any

import pydantic

from flowruns import RunInput, flow, pause_flow_run, task
from flowruns.sdk.results import read_reference
from flowruns.testing import reviewed_by


class Approval(RunInput):
    approve: bool
    reason: str = ""


class Person(pydantic.BaseModel):
    name: str


@dataclasses.dataclass
class Order:
    number: int


KINDS: dict[str, tuple[Any, Any, Any]] = {
    "initial data": (
        Approval.with_initial_data(description="Pay?", reason="late"),
        {"approve": True},
        Approval(approve=True, reason="late"),
    ),
    "model": (Person, {"name": "Ada"}, Person(name="Ada")),
    "dataclass": (Order, {"value": {"number": 7}}, Order(7)),
    "list": (
        list[Person | Order],
        {"value": [{"name": "Ada"}, {"number": 7}]},
        [Person(name="Ada"), Order(7)],
    ),
}


@task
def ask_in_task(kind: str) -> Any:
    return pause_flow_run(wait_for_input=KINDS[kind][0])


@flow
def ask_in_subflow(kind: str) -> Any:
    return pause_flow_run(wait_for_input=KINDS[kind][0])


@flow(persist_result=True)
def answered(kind: str, where: str) -> Any:
    if where == "task":
        return ask_in_task(kind)
    if where == "subflow":
        return ask_in_subflow(kind)
    return pause_flow_run(wait_for_input=KINDS[kind][0])


def ask(kind: str, where: str) -> dict[str, Any]:
    """Run the flow, have it answered, and say where its result is."""
    with reviewed_by(lambda _: KINDS[kind][1]) as server:
        value = answered(kind, where)
        assert value == KINDS[kind][2], value
        assert [run.state.name for run in server.runs.values()] == ["Completed"] * len(server.runs)
        first = next(iter(server.runs.values()))
        assert isinstance(first.state.data, dict), first.state
        return first.state.data


if __name__ == "__main__":
    # Asks in the script itself, whose classes are in `__main__`.
    reference = ask(*sys.argv[1:])
    print(reference["storage_key"])


__all__ = ["KINDS", "ask", "read_reference"]
