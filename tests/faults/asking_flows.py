"""Flows that wait for people while everything around them is killed.

`asking_flows.py crew FOLDER` runs one after the other until FOLDER holds a file `stop`, and
`asking_flows.py serve FOLDER` serves the one that is suspended; `asking_flows.py NAME FOLDER` runs
one. What a run has learnt is a line of
JSON in FOLDER, written before it goes on.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowruns import RunInput, flow, get_run_context, pause_flow_run, suspend_flow_run
from flowruns.exceptions import ApprovalRejected, FlowPauseTimeout, ServerUnreachable

# Seconds: for pauses that are answered, for those that nobody answers in time, and for messages
LONG, SHORT, LATE, HEARING = 600, 4, 12, 8
MEMOS = 3


class Answer(RunInput):
    value: str


class Memo(RunInput):
    value: str


def note(folder: str, **found: Any) -> None:
    """Write what the run has learnt, so that the death of its process cannot take it back."""
    context: Any = get_run_context()
    line = json.dumps({"run": str(context.flow_run.id), **found})
    with (Path(folder) / f"notes-{os.getpid()}").open("a") as notes:
        notes.write(f"{line}\n")
        notes.flush()
        os.fsync(notes.fileno())


def note_end(folder: str, ask: Callable[[], str | None]) -> None:
    """Note how a pause has ended, and end as it has."""
    began = time.monotonic()
    try:
        value = ask()
        note(folder, ended="answered", value=value, after=time.monotonic() - began)
    except ApprovalRejected as rejection:
        value = str(rejection)
        note(folder, ended="rejected", value=value, after=time.monotonic() - began)
        raise
    except FlowPauseTimeout:
        note(folder, ended="expired", value=None, after=time.monotonic() - began)
        raise


def ask(**options: Any) -> str:
    answer: Answer = pause_flow_run(wait_for_input=Answer, poll_interval=1, **options)
    return answer.value


@flow
def alone(folder: str) -> None:
    note_end(folder, lambda: ask(timeout=LONG))


@flow
def together(folder: str) -> None:
    note_end(folder, lambda: ask(timeout=LONG, policy="2 of @finance"))


@flow
def plain(folder: str) -> None:
    note_end(folder, lambda: pause_flow_run(timeout=LONG, poll_interval=1))


@flow
def soon(folder: str) -> None:
    note_end(folder, lambda: ask(timeout=SHORT))


@flow
def late(folder: str) -> None:
    policy = 'anyone; at the end reject because "nobody answered"'
    note_end(folder, lambda: ask(timeout=LATE, policy=policy))


@flow
def quiet(folder: str) -> None:
    began = time.monotonic()
    for memo in Memo.receive(timeout=HEARING, poll_interval=0.5):
        note(folder, memo=memo.value)
    note(folder, heard=True, after=time.monotonic() - began)


@flow
def listening(folder: str) -> None:
    memos = Memo.receive(timeout=HEARING, poll_interval=0.5)
    for number, memo in enumerate(memos, start=1):
        note(folder, memo=memo.value)
        if number == MEMOS:
            memos.acknowledge()
            return


@flow
def suspended(folder: str) -> None:
    answer = suspend_flow_run(wait_for_input=Answer, timeout=LONG, key="suspended")
    note(folder, ended="answered", value=answer.value)


def run_crew(folder: str) -> None:
    """Run flows in a random order until somebody says stop."""
    while not (Path(folder) / "stop").exists():
        for each in random.sample([alone, together, plain, soon, listening], 5):
            try:
                each(folder, return_state=True)
            except ServerUnreachable:  # which stops a flow from beginning, after five seconds
                time.sleep(1)


if __name__ == "__main__":
    command, folder = sys.argv[1:]
    if command == "crew":
        run_crew(folder)
    elif command == "serve":
        suspended.serve("desk", limit=4)
    else:
        globals()[command](folder, return_state=True)
