"""Putting a flow run into a state, as far as the rules allow."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from flowruns.domain.actors import Actor, ActorKind, server
from flowruns.domain.bookkeeping import asks_again, facts_after
from flowruns.domain.errors import FlowRunNotFound, FlowRunStateNotFound, StateMovedOn
from flowruns.domain.rejections import unsigned
from flowruns.domain.rules import FLOW_RUN_RULES, FORCED_RULES, ends_undecided, judge
from flowruns.domain.states import TERMINAL_STATES, State, StateType, running
from flowruns.domain.transitions import Accept, Reject, RunFacts, Transition, Verdict
from flowruns.models import FlowRun, FlowRunState, RunInput
from flowruns.models.actors import dump_actor
from flowruns.models.prepared import PreparedInsert, PreparedQuery
from flowruns.models.states import dump_details
from flowruns.pubsub import waiters
from flowruns.services.limits.slots import (
    SlotLost,
    lease_of,
    name_lease,
    read_facts,
    settle_slot,
    take_slot,
)
from flowruns.services.lookups import find_state, one
from flowruns.services.runs.running_keys import is_run_by_another
from flowruns.signals import (
    PauseEnding,
    PauseOverdue,
    StateChange,
    flow_run_state_changed,
    pause_is_ending,
    pause_is_overdue,
)

# Each loss means that another transition of the same run won, so this many in a row is a fault.
MAX_LOSSES = 50
# Clocks this close are one clock: the Date header has whole seconds.
_TOLERATED_SKEW = timedelta(seconds=2)
_ENDING = TERMINAL_STATES | {StateType.CANCELLING}
_WITH_IT = ("flow", "deployment__concurrency_limit", "slot_lease")
_runs = PreparedQuery(FlowRun.objects.select_related(*_WITH_IT), by="pk")
_history = PreparedQuery(FlowRunState.objects.order_by("version"), by="flow_run")
_runs_as_judged = PreparedQuery(FlowRun.objects.all(), by=("pk", "version"))
_new_states = PreparedInsert(FlowRunState)
_inputs = PreparedQuery(RunInput.objects.all(), by=("flow_run", "key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict, the state the run is in after it, and whether that state is new."""

    verdict: Verdict
    state: State | None
    is_new: bool


class StateContended(RuntimeError):
    """Too many transitions of one run at once."""


def set_flow_run_state(
    flow_run_id: UUID,
    *,
    proposed: State,
    actor: Actor,
    force: bool = False,
    sent_at: datetime | None = None,
    known_state_id: UUID | None = None,
    is_heartbeat: bool = False,
) -> Outcome:
    """Propose a state for a run; raises `FlowRunNotFound`.

    With `known_state_id` only a run that is still in that state is changed; for another one
    `StateMovedOn` is raised.

    `force` leaves only the rules that Prefect's minimal policy keeps, and the input gate.
    `sent_at` is the time on the client's clock: where it differs from ours, the deadline of a
    pause moves by the difference, so that its length stays what the flow asked for.
    `is_heartbeat` says that the process which runs the run proposes: it is not lost, then.
    An actor who may not resume only ends a paused run; one that asks for input is resumed by
    `resume_flow_run` alone. A state means a rejection only where a reviewer, or a policy, wrote
    it.
    """
    proposed = _correct_deadline(proposed, sent_at=sent_at, now=datetime.now(UTC))
    if actor.kind not in {ActorKind.REVIEWER, ActorKind.POLICY}:
        proposed = unsigned(proposed)
    rules = FORCED_RULES if force else FLOW_RUN_RULES
    tells_overdue = known_state_id is not None and actor.kind is not ActorKind.POLICY
    for _ in range(MAX_LOSSES):
        with transaction.atomic():
            run = _read_to_propose(flow_run_id, is_heartbeat=is_heartbeat)
            if known_state_id not in {None, run.state_id}:
                raise StateMovedOn
            initial = current_state(run)
            now = datetime.now(UTC)
            proposed = replace(proposed, timestamp=now)
            overdue = _find_overdue(run, initial, now, actor) if tells_overdue else None
            if overdue is None:
                facts = _read_facts_for(actor, run, initial, proposed)
                t = Transition(
                    initial=initial,
                    proposed=proposed,
                    run=facts,
                    now=now,
                    may_resume=actor.may_resume,
                    was_due=actor.kind is ActorKind.POLICY,
                )
                outcome = write_verdict(
                    run, t, judge(t, rules), actor=actor, forced=force, is_heartbeat=is_heartbeat
                )
                if outcome is not None:
                    return outcome
        if overdue is not None:  # what was due is done in transactions of its own
            tells_overdue = False
            pause_is_overdue.send(sender=FlowRun, overdue=overdue)
    raise StateContended


def _read_to_propose(flow_run_id: UUID, *, is_heartbeat: bool) -> FlowRun:
    """Return the run, without the crash that its process shows to be none."""
    run = get_flow_run(flow_run_id)
    is_back = is_heartbeat and run.state_type == StateType.CRASHED and take_back_crash(flow_run_id)
    return get_flow_run(flow_run_id) if is_back else run


def _find_overdue(
    run: FlowRun, state: State | None, now: datetime, actor: Actor
) -> PauseOverdue | None:
    """Return the pause that is about to fail, if whoever waits in it hears what becomes of it.

    That is the process which asks, by naming the pause that it gives up; of a suspended run none
    waits. Another one may have left a blocking pause by its own clock.
    """
    is_over = run.expires_at is not None and run.expires_at <= now
    if not is_over or state is None or not state.has_timed_out(now):
        return None
    is_heard = state.is_suspended or actor.kind is ActorKind.API_KEY
    return PauseOverdue(flow_run_id=run.pk, pause=state) if is_heard else None


def replace_state(
    flow_run_id: UUID, *, proposed: State, actor: Actor, known_state_id: UUID | None
) -> bool:
    """Put a run out of the state in which it was found; return whether that was done here.

    A run that was deleted meanwhile, or has another state by now, is left to whoever was first.
    """
    try:
        outcome = set_flow_run_state(
            flow_run_id, proposed=proposed, actor=actor, known_state_id=known_state_id
        )
    except (FlowRunNotFound, StateMovedOn):
        return False
    return outcome.is_new


def get_flow_run(flow_run_id: UUID) -> FlowRun:
    """Return the row; raises `FlowRunNotFound`."""
    run = _runs.find(flow_run_id)
    if run is None:
        raise FlowRunNotFound
    return run


def current_state(run: FlowRun) -> State | None:
    if run.state_id is None:
        return None
    state = find_state(FlowRunState, run.state_id)
    if state is None:  # deleted with its run since the run was read
        raise FlowRunNotFound
    return state.to_domain()


def _read_facts_for(actor: Actor, run: FlowRun, initial: State | None, proposed: State) -> RunFacts:
    """Return what the rules know of the run, of its reviewers, and of who proposes."""
    left = _find_left_pause(run, initial)
    withheld = ask_reviewers(run, initial, left, proposed=proposed, actor=actor)
    may_be_foreign = proposed.type is StateType.PAUSED and not actor.may_resume
    return replace(
        read_facts(run),
        answer_accepted=False,
        left_pause=left,
        withheld=withheld,
        is_run_by_another=may_be_foreign and is_run_by_another(run.pk, actor),
    )


def ask_reviewers(
    run: FlowRun,
    state: State | None,
    left: State | None,
    *,
    proposed: State,
    actor: Actor,
    run_input: str | None = None,
) -> str | None:
    """Return why a run may not go on from the pause that it is in, or left; None where it may.

    Must be called in the transaction that lets it go on.
    """
    pause = state if state is not None and state.type is StateType.PAUSED else left
    if pause is None or ends_undecided(proposed):
        return None
    ending = PauseEnding(
        flow_run_id=run.pk, pause=pause, proposed=proposed, actor=actor, run_input=run_input
    )
    said = pause_is_ending.send(sender=FlowRun, ending=ending)
    return next((reason for _, reason in said if reason is not None), None)


def _find_left_pause(run: FlowRun, state: State | None) -> State | None:
    """Return the pause that a run left for its end, or None where it went on from there."""
    if state is None or not (state.is_terminal or state.type is StateType.CANCELLING):
        return None
    alive = FlowRunState.objects.filter(flow_run=run).exclude(type__in=_ENDING)
    last = alive.order_by("-version").first()
    return last.to_domain() if last is not None and last.type == StateType.PAUSED else None


def write_verdict(
    run: FlowRun,
    t: Transition,
    verdict: Verdict,
    *,
    actor: Actor,
    forced: bool = False,
    run_input: str | None = None,
    is_heartbeat: bool = False,
) -> Outcome | None:
    """Write what the verdict says, with all that belongs to it, or return None if the run moved.

    Must be called in a transaction, with the run as it was when it was judged.
    """
    written = _state_to_write(verdict)
    if written is None:
        return Outcome(verdict=verdict, state=t.initial, is_new=False)
    try:
        taken = take_slot(run, t, written)
    except SlotLost:
        return None
    written = name_lease(of_run(written, run), taken or lease_of(run))
    after = facts_after(t, written)
    if not _compare_and_set(run, written, after, is_heartbeat=is_heartbeat):
        if taken is not None:
            taken.delete()
        return None
    if taken is None:
        settle_slot(run, t, written)
    run.run_count = after.run_count
    _new_states.insert(make_row(run, written, actor=actor, forced=forced))
    if asks_again(t, written):
        _forget_inputs(run)
    _drop_early_answer(run, written)
    announce(run, before=t.initial, after=written, actor=actor, run_input=run_input)
    return Outcome(verdict=verdict, state=written, is_new=True)


def take_back_crash(flow_run_id: UUID) -> bool:
    """Let a run go on that was presumed to have crashed, since its process is there.

    Returns whether it did; raises `FlowRunNotFound`.
    """
    with transaction.atomic():
        run = get_flow_run(flow_run_id)
        if run.state_type != StateType.CRASHED:
            return False
        crash = current_state(run)
        if crash is None or not crash.is_presumed or _find_left_pause(run, crash) is not None:
            return False
        state = running(message="The process of the flow run is there again.")
        facts = read_facts(run)
        t = Transition(initial=crash, proposed=state, run=facts, now=state.timestamp)
        written = write_verdict(
            run, t, Accept(state), actor=server("attendance"), is_heartbeat=True
        )
        return written is not None


def announce(
    run: FlowRun,
    *,
    before: State | None,
    after: State | None,
    actor: Actor,
    run_input: str | None = None,
) -> None:
    """Tell receivers now, in the transaction, and whoever holds a request once it is committed."""
    change = StateChange(
        flow_run_id=run.pk,
        flow_run_name=run.name,
        flow_name=run.flow.name,
        tags=tuple(run.tags),
        before=before,
        after=after,
        actor=actor,
        run_input=run_input,
        parameters=run.parameters,
    )
    flow_run_state_changed.send(sender=FlowRun, change=change, run=run)
    wake_waiters(run.pk, after.id if after else None)
    if after is not None and after.type is StateType.SCHEDULED and run.deployment_id is not None:
        wake_waiters(run.deployment_id)


def wake_waiters(changed: UUID, state_id: UUID | None = None) -> None:
    """Wake whoever waits for a run or for a deployment's work, once the change is committed."""
    waiters.notify(changed, state_id)
    # Robust: a client that hears of no commit sends what it has done once more
    transaction.on_commit(partial(waiters.wake, changed, state_id), robust=True)


def read_flow_run_states(flow_run_id: UUID) -> list[FlowRunState]:
    """Return the run's history, oldest first; empty for an unknown run (as Prefect 3.8)."""
    return _history.find_all(flow_run_id)


def read_flow_run_state(state_id: UUID) -> FlowRunState:
    """Return one state of a history; raises `FlowRunStateNotFound`."""
    return one(FlowRunState.objects.filter(pk=state_id), FlowRunStateNotFound)


def _correct_deadline(proposed: State, *, sent_at: datetime | None, now: datetime) -> State:
    deadline = proposed.details.pause_timeout
    if sent_at is None or deadline is None or abs(now - sent_at) <= _TOLERATED_SKEW:
        return proposed
    try:
        details = replace(proposed.details, pause_timeout=deadline + (now - sent_at))
    except OverflowError:
        return proposed
    return replace(proposed, details=details)


def _state_to_write(verdict: Verdict) -> State | None:
    match verdict:
        case Accept(state):
            return state
        case Reject(_, state):
            return state
        case _:
            return None


def of_run(state: State, run: FlowRun) -> State:
    """Say in the state's details which run it belongs to, and which task run stands for that.

    As Prefect 3.8: a state of a subflow names the task run in its parent.
    """
    extra = {**state.details.extra, "flow_run_id": str(run.pk)}
    if run.parent_task_run_id is not None:
        extra["task_run_id"] = str(run.parent_task_run_id)
    return replace(state, details=replace(state.details, extra=extra))


def _compare_and_set(run: FlowRun, state: State, facts: RunFacts, *, is_heartbeat: bool) -> bool:
    """Write state and facts onto the row as it was read; False when somebody was faster."""
    expires_at = state.details.pause_timeout if state.type is StateType.PAUSED else None
    changes: dict[str, Any] = {
        "version": run.version + 1,
        "updated": datetime.now(UTC),
        "state_id": state.id,
        "state_type": state.type,
        "state_name": state.name,
        "state_timestamp": state.timestamp,
        "expires_at": expires_at,
        "run_count": facts.run_count,
        "retry_type": facts.retry_type,
        "resuming": facts.resuming,
        "pause_keys": sorted(facts.pause_keys),
        "infrastructure_pid": facts.infrastructure_pid,
        "expected_start_time": facts.expected_start_time,
        "next_scheduled_start_time": facts.next_scheduled_start_time,
        "start_time": facts.start_time,
        "end_time": facts.end_time,
        "total_run_time": facts.total_run_time,
        "was_released": facts.was_released,
    }
    if not _needs_its_process(state, facts):
        changes["attended_at"] = None
    elif is_heartbeat:
        changes["attended_at"] = datetime.now(UTC)
    return _runs_as_judged.update(run.pk, run.version, to=changes) == 1


def _needs_its_process(state: State, facts: RunFacts) -> bool:
    """Whether a process should be there: the run has not ended, and no other one may take it."""
    if state.type is StateType.SCHEDULED:
        return facts.retry_type == "in_process"
    return not (state.is_terminal or state.is_suspended)


def make_row(run: FlowRun, state: State, *, actor: Actor, forced: bool = False) -> FlowRunState:
    """Make the row of a run's next state, to be stored by whoever moves the run to it."""
    return FlowRunState(
        id=state.id,
        flow_run=run,
        version=run.version + 1,
        type=state.type,
        name=state.name,
        timestamp=state.timestamp,
        message=state.message,
        data=state.data,
        details=dump_details(state.details),
        forced=forced,
        **dump_actor(actor),
    )


def _forget_inputs(run: FlowRun) -> None:
    """Delete the inputs of pauses that will ask again, so that no old answer meets them."""
    pauses = FlowRunState.objects.filter(flow_run=run, type=StateType.PAUSED)
    names = {
        name
        for details in pauses.values_list("details", flat=True)
        for name in details.get("run_input_keyset", {}).values()
    }
    RunInput.objects.filter(flow_run=run, key__in=names).delete()


def _drop_early_answer(run: FlowRun, written: State) -> None:
    """Delete what somebody stored as the answer to a pause before the run came to it."""
    if written.type is StateType.PAUSED and written.details.run_input_keyset is not None:
        _inputs.delete(run.pk, written.details.run_input_keyset["response"])
