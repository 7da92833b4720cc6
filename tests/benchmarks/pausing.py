"""A flow that pauses for input again and again: `pausing.py flowruns|prefect ROUNDS INTERVAL`.

It prints the time at which each pause returned. Both libraries poll every 10 seconds by default.
"""

import importlib
import sys
import time
from typing import Any

library, rounds, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
flows: Any = importlib.import_module(library)
pauses: Any = importlib.import_module("prefect.flow_runs" if library == "prefect" else library)
inputs: Any = importlib.import_module("prefect.input" if library == "prefect" else library)


class Approval(inputs.RunInput):  # type: ignore[misc]  # of one library or the other
    approve: bool
    reason: str = ""


@flows.flow  # type: ignore[untyped-decorator]
def pausing() -> None:
    for _ in range(rounds):
        answer = pauses.pause_flow_run(wait_for_input=Approval, timeout=600, poll_interval=interval)
        print(time.time(), flush=True)
        assert answer.approve


pausing()
