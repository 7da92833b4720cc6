"""Flows whose answers and outcomes are kept, served by one process; tests edit a copy of them."""

from collections.abc import Iterator
from typing import Any

from flowruns import RunInput, flow, pause_flow_run, serve, suspend_flow_run, task


class Ok(RunInput):
    ok: bool


class Refused(Exception):
    def __init__(self, order: int, reason: str) -> None:
        super().__init__(f"{order}: {reason}")
        self.order = order


def confirm(what: str) -> bool:
    return bool(suspend_flow_run(wait_for_input=Ok.with_initial_data(description=what)).ok)


@task(persist_result=False)
def note(line: Any) -> Any:
    return line


@flow(persist_result=True)
def dropping() -> Any:
    # Edited here.
    dropped = confirm("Drop the old table?")
    return note([dropped])


@flow(persist_result=True)
def yielding() -> Iterator[Any]:
    yield 1
    yield pause_flow_run(wait_for_input=Ok.with_initial_data(description="caf\udce9?"))


@flow(persist_result=True)
def refusing() -> None:
    raise Refused(7, "late")


if __name__ == "__main__":
    serve(
        dropping.to_deployment("answered"),
        yielding.to_deployment("answered"),
        refusing.to_deployment("answered", interval=86400),
    )
