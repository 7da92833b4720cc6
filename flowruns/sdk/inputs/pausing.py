"""A pause of a flow run: what it asks, how it waits, and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.keysets import Keyset, is_valid_key
from flowruns.domain.rejections import read_rejection
from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.waiting import Watch
from flowruns.sdk.context import FlowRunContext, require_flow_run
from flowruns.sdk.errors import (
    ApprovalRejected,
    FlowPauseTimeout,
    ObjectAlreadyExists,
    ObjectNotFound,
    PauseCancelled,
    PausedRunDeleted,
    PauseEnded,
    PauseFailed,
    PauseRefused,
    ServerUnreachable,
    StateHasChanged,
)
from flowruns.sdk.inputs.bindings import (
    Names,
    ask_for,
    bind_steps,
    check_steps,
    check_stored,
    keep_steps,
    keyed_step,
    rebind_steps,
    recall_steps,
)
from flowruns.sdk.inputs.policies import policy_for
from flowruns.sdk.inputs.questions import Place, calling_place, write_question
from flowruns.sdk.inputs.run_input import (
    BaseRunInput,
    keyset_from_paused_state,
    load_steps,
    run_input_subclass_from_type,
    votes_beside,
)
from flowruns.sdk.states import OrchestrationResult, State, failed_with
from flowruns.sdk.steps.steps import Moment, Steps, read_clock

NEVER_RESUMED = "never resumed"
# So long a flow asks a server that is away at the deadline: it may have taken an answer before.
# Shorter than the minute that the server's rules leave a process for its last look.
GRACE_SECONDS = 45.0
ASK_SECONDS = 10.0


@dataclass(slots=True, kw_only=True)
class Pause:
    """One pause of a flow run, the one of that `number`; times are in seconds."""

    run: FlowRunContext
    number: int
    # Where it has no key of its own.
    place: Place | None
    key: str = ""
    timeout: float | None
    poll_interval: float
    asks_for: type[BaseRunInput] | None
    # Who may answer, "" where the author leaves it to the operator.
    policy: str = ""
    # Whose the answer is, as it is stored.
    step: Any = field(init=False)
    keyset: Keyset | None = field(init=False, default=None)
    # Inputs of the run that came with the end of the pause, or with what was asked before it.
    known: Mapping[str, str] | None = field(init=False, default=None)

    @property
    def flow_run_id(self) -> UUID:
        return self.run.flow_run.id

    @property
    def names(self) -> Names:
        return self._state().name or "", self.key

    def play(self) -> Steps[Any]:
        """Pause, wait, and return the answer; or return the one that is stored."""
        if (yield from self._is_answered()):
            return (yield from self._read_answer())
        self.run.logger.info("Pausing flow, execution will continue when this flow run is resumed.")
        try:
            yield from self._store_questions()
            with self.run.waiting_for_a_person():
                yield from self._pause_and_wait()
            return (yield from self._read_answer())
        except ObjectNotFound as error:
            raise PausedRunDeleted(flow_run_id=self.flow_run_id, state=None) from error

    def _is_answered(self) -> Steps[bool]:
        """Find the answer that an earlier process got, or name the pause."""
        memory = yield from recall_steps(self.run)
        if self.place is None:
            memory.take_key(self.key)
            self.step = keyed_step(self.key)
            names = self.names
            if memory.knows(names):
                check_stored(memory.inputs, self.asks_for, names=names, step=self.step)
                self.keyset, self.known = keyset_from_paused_state(self._state()), memory.inputs
                self.run.logger.info("Going on with the stored answer to %r.", self.key)
                return True
        else:
            asked = ask_for(self.asks_for, place=self.place, number=self.number)
            asked = memory.count(asked)
            if earlier := memory.find(asked, self.asks_for):
                self.keyset, self.known = earlier.keyset, earlier.inputs
                self.run.logger.info("Going on with the stored answer to %r.", str(asked))
                return True
            self.key, self.step = memory.new_key(self.number), write_question(asked)
        if self.asks_for is not None:
            self.keyset = keyset_from_paused_state(self._state())
        return False

    def _store_questions(self) -> Steps[None]:
        """Store the questions before the state, so that nobody meets it without."""
        names, step = self.names, self.step
        try:
            yield from bind_steps(
                self.flow_run_id, self.asks_for, names=names, step=step, policy=self.policy
            )
        except ObjectAlreadyExists:
            if (yield from self._has_fired()):
                yield from check_steps(self.flow_run_id, self.asks_for, names=names, step=step)
                return
            yield from rebind_steps(
                self.flow_run_id, self.asks_for, names=names, step=step, policy=self.policy
            )

    def _has_fired(self) -> Steps[bool]:
        """Whether this attempt of the run has paused under the key: its inputs count then."""
        run = yield from flow_runs.read_flow_run(self.flow_run_id)
        return self.key in (run.empirical_policy.pause_keys or ())

    def _pause_and_wait(self) -> Steps[None]:
        while True:
            now = yield from read_clock()
            proposed = self._proposed(now)
            result = yield from flow_runs.propose_state(
                self.flow_run_id, proposed, is_heartbeat=True
            )
            if result.status is wire.SetStateStatus.ACCEPT and result.state:
                told = yield from read_clock()
                yield from keep_steps(
                    self.flow_run_id, self.asks_for, names=self.names, paused=result
                )
                yield from self._wait(result.state, self._find_end(result, asked=now, told=told))
                self.run.logger.info("Resuming flow run execution!")
                return
            if not (yield from self._is_paused_by_another(result)):
                return

    def _find_end(self, result: OrchestrationResult, *, asked: Moment, told: Moment) -> float:
        """Return when to give up, in `Moment.seconds`: not before the server, nor before its time.

        Clocks need not agree: the server's deadline lies so long after its state. Prefect's server
        keeps the deadline that this clock has named.
        """
        own = asked.seconds + (self.timeout or 0)
        deadline = result.state.state_details.pause_timeout if result.state else None
        if not result.compares or result.state is None or deadline is None:
            return own
        return max(own, told.seconds + (deadline - result.state.timestamp).total_seconds())

    def _state(self) -> State[Any]:
        return _paused(self.key)

    def _proposed(self, now: Moment) -> State[Any]:
        state = self._state()
        if self.timeout is not None:
            state.state_details.pause_timeout = now.utc + timedelta(seconds=self.timeout)
        state.state_details.run_input_keyset = self.keyset.as_dict() if self.keyset else None
        return state

    def _is_paused_by_another(self, result: OrchestrationResult) -> Steps[bool]:
        """Wait for the end of a pause that is not ours; False when ours has fired before."""
        state = result.state
        if state is None:
            state = (yield from flow_runs.read_flow_run(self.flow_run_id)).state
        if state is not None and state.is_paused():
            yield from self._wait(state, float("inf"))
            self.known = None  # ours may have been answered since
            return True
        if state is not None and state.is_running() and result.status == "REJECT":
            return False
        if state is not None and (state.is_final() or state.is_cancelling()):
            raise ending(self.flow_run_id, state)
        raise PauseRefused(f"Flow run cannot be paused: {result.details.reason}")

    def _wait(self, paused: State[Any], ends_at: float) -> Steps[None]:
        """Return when the run goes on; raise when it does not, or not in time.

        Whoever may has perhaps moved the deadline: that in the state as it is told last counts.
        """
        watch = Watch(
            flow_run_id=self.flow_run_id,
            poll_interval=self.poll_interval,
            ends_at=ends_at,
            grace=GRACE_SECONDS,
            known=paused,
            is_heartbeat=True,
            wanted=(self.keyset.response, votes_beside(self.keyset)) if self.keyset else (),
        )
        while True:
            run = yield from watch.next_change()
            if run is None and not watch.has_more_time():
                break
            if run is None:
                paused = watch.known or paused
            elif run.state is not None and not run.state.is_paused():
                self.known = watch.inputs
                return self._leave(run.state, paused)
        if watch.has_seen_the_end():
            yield from self._give_up(watch.known or paused)
        else:
            raise FlowPauseTimeout

    def _leave(self, state: State[Any], paused: State[Any]) -> None:
        """Go on where the run does, or raise why it does not."""
        if not state.is_running():
            raise ending(self.flow_run_id, state, paused=paused)
        self.run.note_running(state)

    def _give_up(self, paused: State[Any]) -> Steps[None]:
        """Take the run out of its pause, so that nobody can answer what nobody waits for.

        Return where an answer was faster, and raise what else was. A server that is away is waited
        for: it may hold one.
        """
        proposed = failed_with(FlowPauseTimeout(), "Flow run encountered an exception:")
        try:
            yield from flow_runs.set_flow_run_state(
                self.flow_run_id,
                proposed,
                instead_of=paused.id,
                patience=GRACE_SECONDS,
                timeout=ASK_SECONDS,
            )
        except StateHasChanged:
            state = (yield from flow_runs.read_flow_run(self.flow_run_id)).state
            if state is not None and not state.is_failed() and not state.is_paused():
                return self._leave(state, paused)
        except ServerUnreachable:
            # The server ends the pause itself, by the deadline in the state.
            pass
        raise FlowPauseTimeout

    def _read_answer(self) -> Steps[Any]:
        if self.asks_for is None or self.keyset is None:
            return None
        return (yield from load_steps(self.asks_for, self.keyset, self.flow_run_id, self.known))


def _paused(key: str) -> State[Any]:
    details = wire.StateDetails(pause_key=key, pause_reschedule=False)
    return State(type=StateType.PAUSED, state_details=details)


def ending(
    flow_run_id: UUID, state: State[Any], *, paused: State[Any] | None = None
) -> PauseEnded | FlowPauseTimeout:
    """Say as an exception why a paused run, now in `state`, is not going on."""
    if state.is_failed() and _is_expiry(state, paused):
        return FlowPauseTimeout(state.message)
    if rejection := read_rejection(state.to_domain()):
        return ApprovalRejected(
            reviewer=rejection.reviewer,
            reason=rejection.reason,
            flow_run_id=flow_run_id,
            state=state,
        )
    kind = PauseCancelled if state.is_cancelled() or state.is_cancelling() else PauseFailed
    message = f"The flow run left its pause for {state.name!r}: {state.message or 'no message'}"
    return kind(message, flow_run_id=flow_run_id, state=state)


def _is_expiry(state: State[Any], paused: State[Any] | None) -> bool:
    if NEVER_RESUMED in (state.message or ""):
        return True
    deadline = paused.state_details.pause_timeout if paused else None
    return deadline is not None and state.timestamp >= deadline


def check_key(key: str | None) -> None:
    """Raise ValueError for a key that may not name a pause."""
    if key is not None and not is_valid_key(key):
        raise ValueError(f"The pause key {key!r} may hold lower-case letters, digits and - only.")


def check_timeout(timeout: float | None) -> None:
    """Raise ValueError where it lies before the question (as Prefect 3.9)."""
    if timeout is not None and timeout < 0:
        raise ValueError(f"'timeout' must be a non-negative number, got {timeout}")


def pause_steps(
    wait_for_input: Any,
    *,
    timeout: float,
    poll_interval: float,
    key: str | None,
    policy: str | None = None,
) -> Steps[Any]:
    check_timeout(timeout)
    run = require_flow_run("Flow runs can only be paused from within a flow run.")
    # Counted even where a key is given, as in Prefect, so that the default keys agree with its.
    run.pauses_seen += 1
    check_key(key)
    asks_for = run_input_subclass_from_type(wait_for_input) if wait_for_input is not None else None
    pause = Pause(
        run=run,
        number=run.pauses_seen,
        place=None if key else calling_place(),
        key=key or "",
        timeout=timeout,
        poll_interval=poll_interval,
        asks_for=asks_for,
        policy=policy_for(asks_for, policy),
    )
    return run.pause_turns.pass_through(pause.play())
