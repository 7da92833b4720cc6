"""Answer a paused flow run."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from flowruns.domain.keysets import UNASKED
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.asking import STARTING
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.errors import FlowPauseTimeout, NotPausedError, ResumeRefused
from flowruns.sdk.states import OrchestrationResult
from flowruns.sdk.steps.steps import Sleep, Steps, read_clock
from flowruns.wire import SetStateStatus

# Prefect's flows store it in the moment after their pause.
_ASKING_SECONDS = 5.0
_POLL_SECONDS = 0.1


def resume_steps(flow_run_id: UUID, run_input: Mapping[str, Any] | None) -> Steps[None]:
    # Read first, as Prefect's client does: its server answers 500 for a run that it does not know.
    run = yield from flow_runs.read_flow_run(flow_run_id)
    if run.state is None or not run.state.is_paused():
        raise NotPausedError
    result = yield from _answer(flow_run_id, run_input)
    if result.status is SetStateStatus.ACCEPT:
        return
    reason = result.details.reason or "the server gives no reason"
    if result.status is SetStateStatus.ABORT:
        raise NotPausedError(reason)
    if result.state is not None and result.state.is_failed():
        raise FlowPauseTimeout("Flow run can no longer be resumed.")
    raise ResumeRefused(reason, result.details.problems or ())


def _answer(flow_run_id: UUID, run_input: Mapping[str, Any] | None) -> Steps[OrchestrationResult]:
    """Hand in the answer, again where the run has paused and its question is not there yet."""
    began = yield from read_clock()
    while True:
        result = yield from flow_runs.resume_flow_run(flow_run_id, run_input, patience=STARTING)
        if not (result.details.reason or "").endswith(UNASKED):
            return result
        now = yield from read_clock()
        if now.seconds - began.seconds >= _ASKING_SECONDS:
            return result
        yield Sleep(_POLL_SECONDS)


def resume_flow_run(flow_run_id: UUID, run_input: Mapping[str, Any] | None = None) -> None:
    """Resume a paused flow run with `run_input` as its answer; semantics of Prefect 3.9.

    Awaitable in async code, where `aresume_flow_run` is the same with types to match.
    Prefect's flows store their question in the moment after they pause: until it is there the
    answer is handed in again, for up to five seconds.

    Raises NotPausedError when the run is not paused, also when somebody else was faster;
    FlowPauseTimeout after its deadline; ResumeRefused with every problem of an answer that its
    schema does not accept, and the run still waits; ObjectNotFound.

    Example: `resume_flow_run(flow_run.id, run_input={"approve": True})`
    """
    return cast("None", dispatch(resume_steps(flow_run_id, run_input)))


async def aresume_flow_run(flow_run_id: UUID, run_input: Mapping[str, Any] | None = None) -> None:
    """Resume a paused flow run: `resume_flow_run` for async code.

    Example: `await aresume_flow_run(flow_run.id, run_input={"approve": True})`
    """
    await on_loop(resume_steps(flow_run_id, run_input))
