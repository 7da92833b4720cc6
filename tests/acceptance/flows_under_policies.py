"""A flow whose pauses say who may answer: `flows_under_policies.py NOTES` serves it."""

import json
import sys
from pathlib import Path
from typing import ClassVar

from flowruns import RunInput, flow, pause_flow_run, suspend_flow_run


class Plain(RunInput):
    approve: bool


class Guarded(RunInput):
    approval_policy: ClassVar[str | None] = "1 of @finance"

    approve: bool


def note(path: str, answer: RunInput) -> None:
    votes = [[vote.name, vote.kind, vote.part] for vote in answer.metadata.decided_by]
    with Path(path).open("a") as notes:
        notes.write(f"{json.dumps(votes)}\n")


@flow
def refund(notes: str) -> None:
    note(notes, pause_flow_run(wait_for_input=Plain, policy="2 of @finance", poll_interval=0.5))
    note(notes, pause_flow_run(wait_for_input=Guarded, poll_interval=0.5))
    answer = suspend_flow_run(wait_for_input=Plain, key="last", policy="1 of fay + 1 of finn")
    note(notes, answer)


if __name__ == "__main__":
    refund.serve("guarded", parameters={"notes": sys.argv[1]})
