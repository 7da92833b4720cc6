"""A flow that asks for a number: `flow_that_waits.py flowruns` or `flow_that_waits.py prefect`."""

import importlib
import sys
from typing import Any

library: Any = importlib.import_module(sys.argv[1])


def wait_for_a_number() -> int:
    number: int = library.pause_flow_run(wait_for_input=int, timeout=600, poll_interval=1)
    return number


print("answered", library.flow(wait_for_a_number, name="waits")())
