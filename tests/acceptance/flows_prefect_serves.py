"""Flows written for Prefect, which Prefect's own runner serves."""

import time
from pathlib import Path
from typing import Any

from prefect import flow, serve  # type: ignore[import-not-found]  # in an environment of its own


def note(folder: str, line: str) -> None:
    with (Path(folder) / "notes").open("a") as notes:
        notes.write(f"{line}\n")


def note_the_cancellation(flow: Any, flow_run: Any, state: Any) -> None:
    note(flow_run.parameters["folder"], "cancelled")


@flow  # type: ignore[untyped-decorator]
def counting(folder: str) -> None:
    note(folder, "counted")


@flow(on_cancellation=[note_the_cancellation])  # type: ignore[untyped-decorator]
def sleeping(folder: str) -> None:
    note(folder, "asleep")
    time.sleep(60)
    note(folder, "awake")


if __name__ == "__main__":
    serve(counting.to_deployment("desk"), sleeping.to_deployment("desk"))
