"""A served flow that suspends once, of the library that `MEASURED` names: flowruns or prefect.

Started again, it adds the time at which its code goes on to the file that its run names.
"""

import importlib
import os
import time
from pathlib import Path
from typing import Any

library = os.environ["MEASURED"]
flows: Any = importlib.import_module(library)
pauses: Any = importlib.import_module("prefect.flow_runs" if library == "prefect" else library)


@flows.flow  # type: ignore[untyped-decorator]
def suspending(path: str) -> None:
    pauses.suspend_flow_run(timeout=600)
    with Path(path).open("a") as times:
        times.write(f"{time.time()}\n")


if __name__ == "__main__":
    suspending.serve(name="desk")
