"""The rules of task runs, which their own process orchestrates: only ends are guarded."""

from flowruns.domain.states import StateType
from flowruns.domain.transitions import Abort, Reject, Transition, Verdict

_NEVER_AFTER_THE_END = {StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED}


def ended_task_runs_do_not_stop(t: Transition) -> Verdict | None:
    if t.initial is None or not t.initial.is_terminal:
        return None
    if t.proposed.type in _NEVER_AFTER_THE_END:
        return Abort(f"Run is already {t.initial.type}.")
    return None


def kept_results_stay(t: Transition) -> Verdict | None:
    """A completed task run whose result is stored is not run again, as in Prefect 3.9."""
    if t.initial is None or t.initial.type is not StateType.COMPLETED or not t.initial.data:
        return None
    data = t.initial.data
    if isinstance(data, dict) and data.get("type") == "unpersisted":
        return None
    return Reject("This run is already completed.")


TASK_RUN_RULES = (ended_task_runs_do_not_stop, kept_results_stay)
