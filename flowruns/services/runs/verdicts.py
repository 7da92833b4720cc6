"""Writing what a verdict says of a flow run, with all that belongs to it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from flowruns.domain.actors import Actor
from flowruns.domain.bookkeeping import asks_again, facts_after
from flowruns.domain.states import State, StateType
from flowruns.domain.transitions import Accept, Reject, RunFacts, Transition, Verdict
from flowruns.models import FlowRun, FlowRunState, RunInput
from flowruns.models.actors import dump_actor
from flowruns.models.prepared import PreparedInsert, PreparedQuery
from flowruns.models.states import dump_current_state, dump_state
from flowruns.pubsub import waiters
from flowruns.services.limits.slots import SlotLost, lease_of, name_lease, settle_slot, take_slot
from flowruns.signals import StateChange, flow_run_state_changed

_runs_as_judged = PreparedQuery(FlowRun.objects.all(), by=("pk", "version"))
_new_runs = PreparedInsert(FlowRun)
_new_states = PreparedInsert(FlowRunState)
_inputs = PreparedQuery(RunInput.objects.all(), by=("flow_run", "key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict, the state the run is in after it, and whether that state is new."""

    verdict: Verdict
    state: State | None
    is_new: bool


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

    Must be called in a transaction, with the run as it was when it was judged. One that is new is
    stored with the state.
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
    if not _store(run, written, after, is_heartbeat=is_heartbeat):
        if taken is not None:
            taken.delete()
        return None
    if taken is None:
        settle_slot(run, t, written)
    run.state = _new_states.insert(make_row(run, written, actor=actor, forced=forced))
    if asks_again(t, written):
        _forget_inputs(run)
    _drop_early_answer(run, written)
    announce(run, before=t.initial, after=written, actor=actor, run_input=run_input)
    return Outcome(verdict=verdict, state=written, is_new=True)


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

    As Prefect 3.9: a state of a subflow names the task run in its parent.
    """
    extra = {**state.details.extra, "flow_run_id": str(run.pk)}
    if run.parent_task_run_id is not None:
        extra["task_run_id"] = str(run.parent_task_run_id)
    return replace(state, details=replace(state.details, extra=extra))


def _store(run: FlowRun, state: State, facts: RunFacts, *, is_heartbeat: bool) -> bool:
    """Write state and facts onto the run as it was read; False when somebody was faster."""
    version = run.version
    changes = move(run, state, facts, is_heartbeat=is_heartbeat)
    if run.is_new:
        _new_runs.insert(run)
        return True
    return _runs_as_judged.update(run.pk, version, to=changes) == 1


def move(
    run: FlowRun, state: State, facts: RunFacts, *, is_heartbeat: bool = False
) -> dict[str, Any]:
    """Have a run show a state and what follows of it; return what it is to be stored with."""
    expires_at = state.details.pause_timeout if state.type is StateType.PAUSED else None
    changes: dict[str, Any] = {
        "version": run.version + 1,
        "updated": datetime.now(UTC),
        **dump_current_state(state),
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
    for name, value in changes.items():
        setattr(run, name, value)
    return changes


def _needs_its_process(state: State, facts: RunFacts) -> bool:
    """Whether a process should be there: the run has not ended, and no other one may take it."""
    if state.type is StateType.SCHEDULED:
        return facts.retry_type == "in_process"
    return not (state.is_terminal or state.is_suspended)


def make_row(run: FlowRun, state: State, *, actor: Actor, forced: bool = False) -> FlowRunState:
    """Make the row of the state that the run was just moved to."""
    return FlowRunState(
        flow_run=run,
        version=run.version,
        forced=forced,
        **dump_state(state),
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
