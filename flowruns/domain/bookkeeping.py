"""What a written state changes of its run: counters, times and the keys of its pauses."""

from dataclasses import replace
from datetime import datetime, timedelta

from flowruns.domain.states import State, StateType
from flowruns.domain.transitions import RetryType, RunFacts, Transition

_WITH_A_PROCESS = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})


def facts_after(transition: Transition, written: State) -> RunFacts:
    """Return the facts of a run whose `transition` led to the state `written`.

    `written` is the proposed state or the one that a rule put in its place. The bookkeeping is
    that of Prefect 3.9, except that a resumed pause never counts as another execution: there a
    blocking pause uses up a retry.
    """
    run = transition.run
    return replace(
        run,
        run_count=_run_count(transition, written),
        retry_type=_retry_type(transition, written),
        resuming=_resuming(transition, written),
        pause_keys=_pause_keys(transition, written),
        expected_start_time=run.expected_start_time or _due_time(written),
        next_scheduled_start_time=_next_scheduled_start_time(written),
        start_time=_start_time(run, written),
        end_time=_end_time(run, written),
        total_run_time=run.total_run_time + _time_spent_running(transition, written),
        was_released=run.was_released or _is_put_back(transition, written),
    )


def asks_again(t: Transition, written: State) -> bool:
    """Whether the flow starts over, so that the stored inputs of its pauses must go.

    Prefect 3.9 deletes those of a pause when it is asked again; earlier releases fail then.
    """
    return _starts_over(t, written)


def occupies_slot(t: Transition, written: State) -> bool:
    """Whether a run in the state `written` counts against the limit of its deployment.

    It does while a process is there for it: from its submission on, in a blocking pause, and
    while that process waits for a retry. Prefect 3.9 frees the slot at a pause and takes none
    when the run goes on, so that more run than may. A suspended run has no process: its slot is
    free, and it takes one again when it is started with its answer.
    """
    if written.type is StateType.PAUSED:
        return not written.is_suspended
    return written.type in _WITH_A_PROCESS or _is_retry(t, written)


def _run_count(t: Transition, written: State) -> int:
    if written.type is not StateType.RUNNING or t.run.resuming or _goes_on(t, written):
        return t.run.run_count
    return t.run.run_count + 1


def _retry_type(t: Transition, written: State) -> RetryType | None:
    """Say who runs the next execution: the process that failed, or a new one."""
    if _is_retry(t, written):
        return "in_process"
    if _is_rerun(t, written):
        return "reschedule" if written.type is StateType.SCHEDULED else None
    return None if written.type is StateType.FAILED else t.run.retry_type


def _resuming(t: Transition, written: State) -> bool:
    """Remember across SCHEDULED and PENDING that the next RUNNING goes on after a pause."""
    if written.is_terminal or written.type is StateType.RUNNING or _starts_over(t, written):
        return False
    return t.run.resuming or _leaves_pause(t, written)


def _pause_keys(t: Transition, written: State) -> frozenset[str]:
    """Add the key of a new pause; forget all of them where the flow starts over.

    A pause without a key adds none. Prefect 3.9 adds a random one, which nothing can ever match.
    """
    if _starts_over(t, written):
        return frozenset()
    if written.type is not StateType.PAUSED or written.details.pause_key is None:
        return t.run.pause_keys
    return t.run.pause_keys | {written.details.pause_key}


def _due_time(written: State) -> datetime:
    if written.type is StateType.SCHEDULED:
        return written.details.scheduled_time or written.timestamp
    return written.timestamp


def _next_scheduled_start_time(written: State) -> datetime | None:
    return _due_time(written) if written.type is StateType.SCHEDULED else None


def _start_time(run: RunFacts, written: State) -> datetime | None:
    """Keep the first start; a run that ends before it starts did both at once."""
    if run.start_time is None and (written.is_terminal or written.type is StateType.RUNNING):
        return written.timestamp
    return run.start_time


def _end_time(run: RunFacts, written: State) -> datetime | None:
    """Keep the first end while the run stays ended."""
    return (run.end_time or written.timestamp) if written.is_terminal else None


def _time_spent_running(t: Transition, written: State) -> timedelta:
    if t.initial is None or t.initial.type is not StateType.RUNNING:
        return timedelta(0)
    # Two servers' clocks may differ; a run's time never shrinks.
    return max(written.timestamp - t.initial.timestamp, timedelta(0))


def _starts_over(t: Transition, written: State) -> bool:
    return _is_retry(t, written) or _is_rerun(t, written)


def _is_retry(t: Transition, written: State) -> bool:
    """Whether the server put another execution in the place of a failure."""
    return t.proposed.type is StateType.FAILED and written.type is StateType.SCHEDULED


def _is_rerun(t: Transition, written: State) -> bool:
    """Whether another process begins the run anew; one that only seemed to have ended goes on.

    It had ended, or is scheduled while its process waits in a pause, which is then asked again
    (as Prefect 3.9): nobody has answered it.
    """
    if t.initial is None or t.initial.is_presumed:
        return False
    if t.initial.type is StateType.PAUSED and not t.initial.is_suspended:
        return written.type is StateType.SCHEDULED
    return t.initial.is_terminal and not written.is_terminal


def _leaves_pause(t: Transition, written: State) -> bool:
    was_paused = t.initial is not None and t.initial.type is StateType.PAUSED
    return was_paused and written.type is not StateType.PAUSED


def _goes_on(t: Transition, written: State) -> bool:
    """Whether the execution that was interrupted, or seemed to be, is the one that runs."""
    return _leaves_pause(t, written) or (t.initial is not None and t.initial.is_presumed)


def _is_put_back(t: Transition, written: State) -> bool:
    """Whether a run that somebody had taken is there to be taken again."""
    was_taken = t.initial is not None and t.initial.type is StateType.PENDING
    return was_taken and written.type is StateType.SCHEDULED
