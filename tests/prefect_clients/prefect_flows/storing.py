"""Flows whose results are kept in a block's folder: `storing.py NOTES` serves one of them.

`storing.py NOTES once` runs one that leaves it to the server where results are kept.
"""

import os
import sys
from pathlib import Path

from prefect import flow, suspend_flow_run, task
from prefect.filesystems import LocalFileSystem
from prefect.input import RunInput


class Decision(RunInput):
    approve: bool


def note(path: str, line: str) -> None:
    with Path(path).open("a") as notes:
        notes.write(f"{line}\n")


@task(result_storage="local-file-system/mine", persist_result=True)
def charge(notes: str) -> str:
    note(notes, "charged")
    return "receipt"


@flow
def ship(notes: str) -> bool:
    note(notes, f"ship in {os.getpid()}")
    receipt = charge(notes)
    decision = suspend_flow_run(wait_for_input=Decision, timeout=600)
    note(notes, f"{decision.approve} for {receipt}")
    return decision.approve


@flow(persist_result=True)
def keep() -> str:
    return "kept"


if __name__ == "__main__":
    results = Path(sys.argv[1]).with_name("results")
    LocalFileSystem(basepath=str(results)).save("mine", overwrite=True)
    if "once" in sys.argv:
        keep()
    else:
        ship.serve("desk")
