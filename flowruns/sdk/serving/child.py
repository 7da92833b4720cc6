"""One scheduled flow run in its own process, which is told on its standard input which one.

`python -m flowruns.sdk.serving.child` loads what every run needs before it is told, so that a run
begins at once in one that waits. It ends where nothing is told.
"""

import json
import sys
from collections.abc import Sequence
from importlib import import_module
from uuid import UUID

from flowruns.sdk.calls import flow_runs
from flowruns.sdk.dispatch import on_thread
from flowruns.sdk.errors import FlowRunNotOurs, FlowRunSuspended
from flowruns.sdk.reporting import logs as run_logs
from flowruns.sdk.serving.entrypoints import load_flow
from flowruns.sdk.states import FlowRun, OrchestrationResult, crashed

_LOADED_WITH_A_RUN = (
    "flowruns.sdk.runs.engine",
    "flowruns.sdk.reporting.heartbeat",
    "flowruns.sdk.inputs.pausing",
)


def main(arguments: Sequence[str]) -> int:
    """Run the flow at the entrypoint as the flow run of that id, and return the exit code.

    0 says that the run's state tells what became of it, whatever that is.
    """
    flow_run_id, entrypoint = arguments
    flow_run = on_thread(flow_runs.read_flow_run(UUID(flow_run_id)))
    if not _is_there_to_run(flow_run):
        return 0
    try:
        load_flow(entrypoint).play_taken(flow_run)
    except (FlowRunSuspended, FlowRunNotOurs):
        return 0
    except Exception as error:  # noqa: BLE001 -- whatever the flow's file raises
        _report(flow_run, error)
        return 1
    return 0


def _is_there_to_run(flow_run: FlowRun) -> bool:
    """Whether nobody else has started it; one that is being cancelled is here to be ended."""
    state = flow_run.state
    return state is not None and (
        state.is_scheduled() or state.is_pending() or state.is_cancelling()
    )


def _report(flow_run: FlowRun, error: Exception) -> None:
    logger = run_logs.flow_run_logger(flow_run.id, flow_run.name, flow_run.name)
    logger.error("The flow run cannot begin: %r", error, exc_info=error)
    on_thread(flow_runs.propose_state(flow_run.id, crashed(error)))
    run_logs.shipper.flush()


def _load() -> None:
    """Load what flows use, the way to the server, and what reads its answers."""
    library = import_module("flowruns")
    for name in library.__all__:
        getattr(library, name)
    for module in ("httpx", *_LOADED_WITH_A_RUN):
        import_module(module)
    for model in (FlowRun, OrchestrationResult):
        model.model_rebuild()


if __name__ == "__main__":
    _load()
    told = sys.stdin.readline()
    # Nothing follows: for the flow its input is at its end.
    sys.exit(main(json.loads(told)) if told else 0)
