"""Record which options Prefect's decorators and functions take, as the reference of ours.

In an environment that has Prefect 3.9.1:

    python tests/recorders/prefect_options.py > tests/data/prefect-3.9.1-options.json
"""

import inspect
import json
import sys

from prefect import (  # type: ignore[import-not-found]
    Flow,
    Task,
    pause_flow_run,
    resume_flow_run,
    serve,
    suspend_flow_run,
)
from prefect.deployments import run_deployment  # type: ignore[import-not-found]
from prefect.flow_runs import wait_for_flow_run  # type: ignore[import-not-found]

CALLS = {
    "flow": Flow,
    "task": Task,
    "Flow.with_options": Flow.with_options,
    "Task.with_options": Task.with_options,
    "Flow.to_deployment": Flow.to_deployment,
    "Flow.serve": Flow.serve,
    "serve": serve,
    "run_deployment": run_deployment,
    "pause_flow_run": pause_flow_run,
    "suspend_flow_run": suspend_flow_run,
    "resume_flow_run": resume_flow_run,
    "wait_for_flow_run": wait_for_flow_run,
}


def main() -> None:
    options = {
        name: [option for option in inspect.signature(call).parameters if option not in NOT_ONES]
        for name, call in CALLS.items()
    }
    json.dump(options, sys.stdout, indent=1)
    sys.stdout.write("\n")


NOT_ONES = {"self", "fn", "args", "kwargs"}

if __name__ == "__main__":
    main()
