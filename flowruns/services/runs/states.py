"""Putting a flow run into a state, as far as the rules allow."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from flowruns.domain.actors import Actor, ActorKind, server
from flowruns.domain.errors import FlowRunNotFound, FlowRunStateNotFound, StateMovedOn
from flowruns.domain.rejections import unsigned
from flowruns.domain.rules import FLOW_RUN_RULES, FORCED_RULES, ends_undecided, judge
from flowruns.domain.states import TERMINAL_STATES, State, StateType, running
from flowruns.domain.transitions import Accept, RunFacts, Transition
from flowruns.models import FlowRun, FlowRunState
from flowruns.models.prepared import PreparedQuery
from flowruns.services.limits.slots import read_facts
from flowruns.services.lookups import current_state, one
from flowruns.services.runs.running_keys import is_run_by_another
from flowruns.services.runs.verdicts import Outcome, write_verdict
from flowruns.signals import PauseEnding, PauseOverdue, pause_is_ending, pause_is_overdue

# Each loss means that another transition of the same run won, so this many in a row is a fault.
MAX_LOSSES = 50
# Clocks this close are one clock: the Date header has whole seconds.
_TOLERATED_SKEW = timedelta(seconds=2)
_ENDING = TERMINAL_STATES | {StateType.CANCELLING}
_WITH_IT = ("state", "flow", "deployment__concurrency_limit", "slot_lease")
# Of a deployment, which may be large, no transition asks for these
_LEFT_OUT = ("parameter_openapi_schema", "parameters", "pull_steps", "job_variables", "description")
_runs = PreparedQuery(
    FlowRun.objects.select_related(*_WITH_IT).defer(*(f"deployment__{name}" for name in _LEFT_OUT)),
    by="pk",
)
_history = PreparedQuery(FlowRunState.objects.order_by("version"), by="flow_run")
_states_of_runs = PreparedQuery(FlowRunState.objects.all(), by=("pk", "flow_run"))


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
    tells_overdue = known_state_id is not None and actor.kind is not ActorKind.POLICY
    for _ in range(MAX_LOSSES):
        with transaction.atomic():
            run = _read_to_propose(flow_run_id, is_heartbeat=is_heartbeat)
            if known_state_id not in {None, run.state_id}:
                raise StateMovedOn
            proposed = replace(proposed, timestamp=datetime.now(UTC))
            overdue = _find_overdue(run, actor, proposed.timestamp) if tells_overdue else None
            if overdue is None:
                outcome = _propose(
                    run, proposed, actor=actor, force=force, is_heartbeat=is_heartbeat
                )
                if outcome is not None:
                    return outcome
        if overdue is not None:  # what was due is done in transactions of its own
            tells_overdue = False
            pause_is_overdue.send(sender=FlowRun, overdue=overdue)
    raise StateContended


def begin_flow_run(run: FlowRun, *, state: State, actor: Actor, is_heartbeat: bool) -> None:
    """Store a new run in its first state. Must be called in a transaction.

    Forced, as in Prefect 3.9: a run may be made in any state, also one that no rule leads to.
    """
    for _ in range(MAX_LOSSES):
        first = replace(state, timestamp=datetime.now(UTC))
        if _propose(run, first, actor=actor, force=True, is_heartbeat=is_heartbeat) is not None:
            return
        if run.deployment is not None:  # another run took its last slot
            run.deployment.refresh_from_db(fields=["concurrency_limit"])
    raise StateContended


def _propose(
    run: FlowRun, proposed: State, *, actor: Actor, force: bool, is_heartbeat: bool
) -> Outcome | None:
    """Judge a state for a run as it was read, at the time that the state has.

    Writes what that says, or returns None if the run moved.
    """
    initial = current_state(run)
    if actor.kind not in {ActorKind.REVIEWER, ActorKind.POLICY}:
        proposed = unsigned(proposed)
    t = Transition(
        initial=initial,
        proposed=proposed,
        run=_read_facts_for(actor, run, initial, proposed),
        now=proposed.timestamp,
        may_resume=actor.may_resume,
        was_due=actor.kind is ActorKind.POLICY,
    )
    verdict = judge(t, FORCED_RULES if force else FLOW_RUN_RULES)
    return write_verdict(run, t, verdict, actor=actor, forced=force, is_heartbeat=is_heartbeat)


def _read_to_propose(flow_run_id: UUID, *, is_heartbeat: bool) -> FlowRun:
    """Return the run, without the crash that its process shows to be none."""
    run = get_flow_run(flow_run_id)
    is_back = is_heartbeat and run.state_type == StateType.CRASHED and take_back_crash(flow_run_id)
    return get_flow_run(flow_run_id) if is_back else run


def _find_overdue(run: FlowRun, actor: Actor, now: datetime) -> PauseOverdue | None:
    """Return the pause that is about to fail, if whoever waits in it hears what becomes of it.

    That is the process which asks, by naming the pause that it gives up; of a suspended run none
    waits. Another one may have left a blocking pause by its own clock.
    """
    if run.expires_at is None or run.expires_at > now:
        return None
    state = current_state(run)
    if state is None or not state.has_timed_out(now):
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


def read_flow_run_states(flow_run_id: UUID) -> list[FlowRunState]:
    """Return the run's history, oldest first; empty for an unknown run (as Prefect 3.9)."""
    return _history.find_all(flow_run_id)


def find_state_of(flow_run_id: UUID, state_id: UUID) -> FlowRunState | None:
    """Return one state of the run's history, or None."""
    return _states_of_runs.find(state_id, flow_run_id)


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
