"""The rules that judge a transition, one function each.

The order, the reasons and the exceptions are those of Prefect 3.9, except where a docstring says
otherwise; clients compare the reasons. A rule returns None where it has nothing to say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flowruns.domain.rejections import read_rejection
from flowruns.domain.states import (
    GOING_ON_STATES,
    State,
    StateType,
    awaiting_retry,
    awaiting_slot,
    cancelled,
    failed,
)
from flowruns.domain.transitions import Abort, Accept, Reject, Transition, Verdict, Wait

type Rule = Callable[[Transition], Verdict | None]

_NEVER_AFTER_THE_END = frozenset({StateType.CANCELLING, StateType.PAUSED, StateType.CRASHED})
_WAITING = frozenset({StateType.SCHEDULED, StateType.PENDING})
_UNDER_WAY = frozenset({StateType.PENDING, StateType.RUNNING, StateType.CANCELLING})
# As Prefect 3.9: how long a run that found no slot waits before it asks again.
SLOT_WAIT = timedelta(seconds=30)
# What whoever may not resume can make of a paused run.
_ENDS = frozenset({StateType.FAILED, StateType.CANCELLED, StateType.CRASHED, StateType.CANCELLING})
# A process looks once more when its time is up; how long it may take to do so.
_LAST_LOOK = timedelta(minutes=1)
_STAY_ALIVE = GOING_ON_STATES | {StateType.PENDING, StateType.PAUSED}


def same_transition_happens_once(t: Transition) -> Verdict | None:
    """Recognise a request that is sent again because its first answer got lost."""
    transition_id = t.proposed.details.extra.get("transition_id")
    if t.initial is None or transition_id is None:
        return None
    if t.initial.details.extra.get("transition_id") == transition_id:
        return Reject("This run has already made this state transition.")
    return None


def ended_runs_neither_pause_nor_crash(t: Transition) -> Verdict | None:
    if t.initial is None or not t.initial.is_terminal:
        return None
    if t.proposed.type in _NEVER_AFTER_THE_END:
        return Abort(f"Run is already in terminal state {t.initial.type}.")
    return None


def completed_runs_with_a_result_are_not_repeated(t: Transition) -> Verdict | None:
    if t.initial is None or t.proposed.is_terminal:
        return None
    if t.initial.type is StateType.COMPLETED and _has_persisted_result(t.initial):
        return Reject("Run is already COMPLETED.")
    return None


def results_are_not_overwritten_by_nothing(t: Transition) -> Verdict | None:
    if t.initial is None or not _has_persisted_result(t.initial):
        return None
    both_completed = t.initial.type is t.proposed.type is StateType.COMPLETED
    if both_completed and not _has_persisted_result(t.proposed):
        return Reject(
            "Cannot overwrite a COMPLETED state that carries persisted result data with one that"
            " does not."
        )
    return None


def ended_runs_are_rescheduled_by_their_deployment(t: Transition) -> Verdict | None:
    if t.initial is None or not t.initial.is_terminal or t.run.has_deployment:
        return None
    if t.proposed.type is StateType.SCHEDULED:
        return Abort("Cannot reschedule a run without an associated deployment.")
    return None


def rejected_runs_stay_rejected(t: Transition) -> Verdict | None:
    """Keep a reviewer's no, and its reason, from what a process says when it ends of it.

    A paused process of Prefect's client hears of nothing but RUNNING, and fails in the end.
    """
    if t.initial is None or read_rejection(t.initial) is None or not t.proposed.is_terminal:
        return None
    return Reject("A reviewer has rejected this flow run.")


def cancelling_runs_only_become_cancelled(t: Transition) -> Verdict | None:
    if t.initial is None or t.initial.type is not StateType.CANCELLING:
        return None
    if t.proposed.type is StateType.CANCELLED:
        return None
    return Reject("Cannot transition flows that are cancelling to a state other than Cancelled.")


def runs_without_a_process_are_cancelled_at_once(t: Transition) -> Verdict | None:
    """Skip CANCELLING where no process is there to be told: scheduled and suspended runs."""
    if t.initial is None or t.proposed.type is not StateType.CANCELLING:
        return None
    if _waits_for_its_start(t.initial, t.run.infrastructure_pid):
        reason = "Scheduled flow run has no infrastructure to terminate."
    elif t.initial.is_suspended:
        reason = "Suspended flow run has no infrastructure to terminate."
    else:
        return None
    return _reject_into(t, State(type=StateType.CANCELLED), reason)


def runs_are_submitted_once(t: Transition) -> Verdict | None:
    """Let one submitter have the run; a named PENDING state after another one is progress."""
    submitted = {StateType.PENDING, StateType.RUNNING, StateType.CANCELLED}
    if t.initial is None or t.proposed.type is not StateType.PENDING:
        return None
    if t.initial.type not in submitted or _is_submission_progress(t.initial, t.proposed):
        return None
    return Abort(
        f"This run is in a {t.initial.type} state and cannot transition to a PENDING state."
    )


def released_runs_are_started_once(t: Transition) -> Verdict | None:
    """Let one process start a run that was taken, put back and taken again: the first that comes.

    The one that was too slow may still come. Prefect 3.9 puts no run back, and needs no rule.
    """
    if t.initial is None or not t.run.was_released or t.proposed.type is not StateType.RUNNING:
        return None
    if t.initial.type is StateType.RUNNING or (t.initial.is_terminal and not t.initial.is_presumed):
        return Abort("This run was started by another process.")
    return None


def only_scheduled_runs_become_late(t: Transition) -> Verdict | None:
    if t.initial is None or t.proposed.type is not StateType.SCHEDULED or t.proposed.name != "Late":
        return None
    if t.initial.type is not StateType.SCHEDULED:
        return Reject("Only scheduled flows can be marked late.")
    if t.initial.name == "Late":
        return Reject("This flow run is already marked late.")
    return None


def only_running_runs_pause(t: Transition) -> Verdict | None:
    if t.proposed.type is not StateType.PAUSED:
        return None
    if t.initial is None:
        return Abort(f"Cannot {_verb(t.proposed)} flows with no state.")
    if t.initial.type is not StateType.RUNNING:
        return Reject(f"Cannot {_verb(t.proposed)} flows that are not currently running.")
    return None


def each_pause_fires_once(t: Transition) -> Verdict | None:
    if t.proposed.type is not StateType.PAUSED:
        return None
    if t.proposed.details.pause_key in t.run.pause_keys:
        return Reject(f"This {_verb(t.proposed)} has already fired.")
    return None


def only_deployed_parents_suspend(t: Transition) -> Verdict | None:
    """Refuse a suspension after which nothing could start the run again."""
    if not t.proposed.is_suspended:
        return None
    if t.run.is_subflow:
        return Abort(f"Cannot {_verb(t.proposed)} subflows.")
    if not t.run.has_deployment:
        return Abort(f"Cannot {_verb(t.proposed)} flows without a deployment.")
    return None


def paused_runs_are_not_submitted(t: Transition) -> Verdict | None:
    if t.initial is None or t.initial.type is not StateType.PAUSED:
        return None
    if t.proposed.type is StateType.PENDING:
        return Reject("This run cannot transition to the PENDING state from the PAUSED state.")
    return None


def suspended_runs_are_resumed_by_their_deployment(t: Transition) -> Verdict | None:
    """Refuse to resume what nothing would start; unlike in Prefect 3.9 the run may still end."""
    if t.initial is None or not t.initial.is_suspended or t.run.has_deployment:
        return None
    if t.proposed.type in GOING_ON_STATES:
        name = t.proposed.name.lower()
        return Reject(f"Cannot reschedule a {name} flow run without a deployment.")
    return None


def overdue_pauses_fail(t: Transition) -> Verdict | None:
    """Fail a run that leaves its pause too late, wherever it was going.

    Cancelling goes through (as Prefect 3.9): the process of a blocking pause must hear of it. So
    does what a policy was to do before, and comes late because the loops stood still.
    The message names the state that was left; Prefect's names the proposed one.
    """
    if t.initial is None or t.was_due or not t.initial.has_timed_out(t.now):
        return None
    if t.proposed.type is StateType.CANCELLING:
        return None
    state = failed(f"The flow was {_pause_word(t.initial)} and never resumed.")
    return _reject_into(t, state, "The flow run pause has timed out and can no longer resume.")


def pauses_are_ended_by_who_may_resume(t: Transition) -> Verdict | None:
    """Leave it to `resume`, or to who could, to end a pause other than by the end of its run.

    Nothing of the kind in Prefect 3.9. A run that was ended in its pause and goes on is a way
    around this rule in two steps while a process may wait there: it looks for RUNNING alone.
    """
    if t.may_resume or t.proposed.type in _ENDS:
        return None
    if t.initial is not None and t.initial.type is StateType.PAUSED:
        return Reject("The flow run is paused; only an API key with the scope resume ends that.")
    pause = t.run.left_pause
    if (
        pause is None
        or t.proposed.type is StateType.COMPLETED
        or not _may_be_waited_in(pause, t.now)
    ):
        return None
    deadline = pause.details.pause_timeout
    until = f", until {deadline + _LAST_LOOK:%Y-%m-%d %H:%M:%S} UTC" if deadline else ""
    return Reject(
        f"The process of this flow run may still wait in the pause that was ended{until};"
        " an API key with the scope resume may start it again now."
    )


def pauses_are_named_by_who_runs_the_run(t: Transition) -> Verdict | None:
    """Keep others from asking under a key by which the flow will ask, and be answered, itself.

    A pause fires once: the flow would take the answer to their question for the answer to its
    own. Who suspends another run uses a UUID (as Prefect 3.9's client, where this is not a rule).
    """
    if t.proposed.type is not StateType.PAUSED or not t.run.is_run_by_another:
        return None
    if t.proposed.details.pause_key is None or _is_uuid(t.proposed.details.pause_key):
        return None
    return Reject(
        "Only the API key that runs the flow run, or one with the scope resume, names its pauses;"
        " others leave the pause key out, or use a UUID."
    )


def guarded_pauses_wait_for_their_reviewers(t: Transition) -> Verdict | None:
    """Keep a run in its pause until those who may answer let it go on, forced or not.

    Nothing of the kind in Prefect 3.9. Whatever does not end the run counts as going on, and so
    does a way out in two steps while a process may wait there. A rejection is theirs, too.
    """
    if t.run.withheld is None or ends_undecided(t.proposed):
        return None
    is_in_it = t.initial is not None and t.initial.type is StateType.PAUSED
    left = t.run.left_pause
    if is_in_it or (left is not None and _may_be_waited_in(left, t.now)):
        return Reject(t.run.withheld)
    return None


def ends_undecided(proposed: State) -> bool:
    """Whether a state ends a paused run without a word of a reviewer."""
    return proposed.type in _ENDS and read_rejection(proposed) is None


def answers_come_before_going_on(t: Transition) -> Verdict | None:
    """Keep a pause that asks for input until it is resumed with an answer, forced or not.

    Prefect 3.9 asks only in its resume route. PENDING and another pause count as going on:
    either would be a way around this rule in two steps. What is stored as an answer beforehand
    is none.
    """
    if t.initial is None or not t.initial.asks_for_input or t.run.answer_accepted:
        return None
    if t.proposed.type in _STAY_ALIVE:
        return Reject("The flow run waits for an answer; use resume with run_input.")
    return None


def starts_need_a_slot(t: Transition) -> Verdict | None:
    """Queue or cancel a start while as many runs go on as the deployment's limit allows.

    Comes after the rules of pauses, so that no suspended run leaves its pause by waiting here.
    A start is PENDING or, unlike in Prefect 3.9, RUNNING without it.
    """
    slot = t.run.slot
    if slot is None or slot.is_held or not _starts(t):
        return None
    if slot.limit == 0:
        return Abort("The deployment concurrency limit is 0, so that the run would never start.")
    if slot.is_free:
        return None
    if _is_pending(t.initial):  # it had a slot and was too slow; a process is there already
        state = cancelled("The run lost its concurrency slot before it started.")
        return _reject_into(t, state, "Deployment concurrency limit reached after lease expiry.")
    reason = "Deployment concurrency limit reached."
    if slot.cancels_new:
        return _reject_into(t, cancelled(reason), reason)
    return _reject_into(t, awaiting_slot(at=t.now + SLOT_WAIT), reason)


def submissions_keep_their_scheduled_time(t: Transition) -> Verdict | None:
    """Carry the scheduled time into PENDING, so that submitting early cannot start early."""
    if t.initial is None or t.proposed.type is not StateType.PENDING:
        return None
    scheduled_time = t.initial.details.scheduled_time
    if t.initial.type is StateType.SCHEDULED:
        scheduled_time = t.proposed.details.scheduled_time or scheduled_time
    elif t.initial.type is not StateType.PENDING:
        return None
    details = replace(t.proposed.details, scheduled_time=scheduled_time)
    return Accept(replace(t.proposed, details=details))


def scheduled_runs_wait_for_their_time(t: Transition) -> Verdict | None:
    """Delay a start that comes more than half a second too early, by the server's clock."""
    if t.initial is None or t.initial.type not in {StateType.SCHEDULED, StateType.PENDING}:
        return None
    scheduled_time = t.initial.details.scheduled_time
    if t.proposed.type is not StateType.RUNNING or scheduled_time is None:
        return None
    delay = round((scheduled_time - t.now).total_seconds())
    return Wait(delay, "Scheduled time is in the future") if delay > 0 else None


def failed_runs_are_retried(t: Transition) -> Verdict | None:
    """Schedule another execution in place of a failure while retries are left."""
    if t.initial is None or t.initial.type is not StateType.RUNNING:
        return None
    if t.proposed.type is not StateType.FAILED:
        return None
    if t.run.retries is None or t.run.run_count > t.run.retries:
        return None
    retry = awaiting_retry(at=t.now + timedelta(seconds=t.run.retry_delay or 0))
    retry = replace(retry, message=t.proposed.message, data=t.proposed.data)
    return _reject_into(t, retry, "Retrying")


FLOW_RUN_RULES: tuple[Rule, ...] = (
    same_transition_happens_once,
    ended_runs_neither_pause_nor_crash,
    completed_runs_with_a_result_are_not_repeated,
    results_are_not_overwritten_by_nothing,
    ended_runs_are_rescheduled_by_their_deployment,
    rejected_runs_stay_rejected,
    cancelling_runs_only_become_cancelled,
    runs_without_a_process_are_cancelled_at_once,
    runs_are_submitted_once,
    released_runs_are_started_once,
    only_scheduled_runs_become_late,
    only_running_runs_pause,
    each_pause_fires_once,
    only_deployed_parents_suspend,
    paused_runs_are_not_submitted,
    suspended_runs_are_resumed_by_their_deployment,
    overdue_pauses_fail,
    pauses_are_ended_by_who_may_resume,
    pauses_are_named_by_who_runs_the_run,
    guarded_pauses_wait_for_their_reviewers,
    answers_come_before_going_on,
    starts_need_a_slot,
    submissions_keep_their_scheduled_time,
    scheduled_runs_wait_for_their_time,
    failed_runs_are_retried,
)

FORCED_RULES: tuple[Rule, ...] = (
    results_are_not_overwritten_by_nothing,
    rejected_runs_stay_rejected,
    runs_without_a_process_are_cancelled_at_once,
    pauses_are_ended_by_who_may_resume,
    pauses_are_named_by_who_runs_the_run,
    guarded_pauses_wait_for_their_reviewers,
    answers_come_before_going_on,
)


def judge(transition: Transition, rules: Sequence[Rule] = FLOW_RUN_RULES) -> Verdict:
    """Return the first verdict that a rule gives, or accept the proposed state."""
    for rule in rules:
        if verdict := rule(transition):
            return verdict
    return Accept(transition.proposed)


def _reject_into(t: Transition, state: State, reason: str) -> Reject:
    """Write `state` in place of the proposed one, at the moment of judging."""
    return Reject(reason, replace(state, timestamp=t.now))


def _verb(pause: State) -> str:
    return "suspend" if pause.name == "Suspended" else "pause"


def _pause_word(pause: State) -> str:
    return "suspended" if pause.is_suspended else "paused"


def _may_be_waited_in(pause: State, now: datetime) -> bool:
    """Whether a process may look whether this pause, which its run has left, was answered."""
    return not pause.is_suspended and not pause.has_timed_out(now - _LAST_LOOK)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _has_persisted_result(state: State) -> bool:
    data: Any = state.data
    return isinstance(data, Mapping) and bool(data) and data.get("type") != "unpersisted"


def _waits_for_its_start(state: State, infrastructure_pid: str | None) -> bool:
    """Whether no process runs: a resuming run's pid belongs to the process that it left."""
    if state.type is not StateType.SCHEDULED:
        return False
    return not infrastructure_pid or state.name == "Resuming"


def _starts(t: Transition) -> bool:
    """Whether a run that no process runs asks for one."""
    if t.proposed.type is StateType.PENDING:
        return t.initial is None or t.initial.type not in _UNDER_WAY
    if t.proposed.type is StateType.RUNNING and t.initial is not None:
        return t.initial.is_terminal or t.initial.type in _WAITING
    return False


def _is_pending(state: State | None) -> bool:
    return state is not None and state.type is StateType.PENDING


def _is_submission_progress(initial: State, proposed: State) -> bool:
    """Whether PENDING goes from one named step to another, e.g. to "Submitting"."""
    if initial.type is not StateType.PENDING:
        return False
    return proposed.name not in {initial.name, "Pending"}
