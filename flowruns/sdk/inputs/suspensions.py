"""Suspend a flow run: its process ends, and another one goes on when a person has answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flowruns import wire
from flowruns.domain.keysets import keyset_from_pause
from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.context import current_flow_run, current_task_run, require_flow_run
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.errors import (
    AnswerBelongsElsewhere,
    FlowRunSuspended,
    ObjectAlreadyExists,
    PauseRefused,
)
from flowruns.sdk.inputs.bindings import bind_steps, keep_steps
from flowruns.sdk.inputs.pausing import Pause, check_key, check_timeout, ending
from flowruns.sdk.inputs.policies import policy_for
from flowruns.sdk.inputs.questions import Place, calling_place
from flowruns.sdk.inputs.run_input import BaseRunInput, run_input_subclass_from_type
from flowruns.sdk.states import State
from flowruns.sdk.steps.steps import Moment, Steps, read_clock

POLL_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Suspension(Pause):
    """One suspension of the run that calls for it."""

    def _state(self) -> State[Any]:
        return _suspended(self.key)

    def _pause_and_wait(self) -> Steps[None]:
        """Leave the run, or return where this suspension is over."""
        self._refuse_to_lose_answers()
        now = yield from read_clock()
        proposed = self._proposed(now)
        result = yield from flow_runs.propose_state(self.flow_run_id, proposed, is_heartbeat=True)
        if result.status is wire.SetStateStatus.ACCEPT:
            yield from keep_steps(self.flow_run_id, self.asks_for, names=self.names, paused=result)
            self.run.suspended.set()
            raise FlowRunSuspended
        state = result.state or (yield from flow_runs.read_flow_run(self.flow_run_id)).state
        if state is not None and state.is_running() and result.status == "REJECT":
            return
        if state is not None and (state.is_final() or state.is_cancelling()):
            raise ending(self.flow_run_id, state)
        raise PauseRefused(f"Flow run cannot be suspended: {result.details.reason}")

    def _refuse_to_lose_answers(self) -> None:
        """Raise AnswerBelongsElsewhere where the next process would ask again what was answered."""
        if self.key in (self.run.flow_run.empirical_policy.pause_keys or ()):
            return
        for doubt in self.run.doubts:
            if text := doubt():
                raise AnswerBelongsElsewhere(f"Flow run cannot be suspended once more: {text}")


def _loss(forgetful: Mapping[str, str]) -> str:
    reasons = [reason for _, reason in sorted(forgetful.items()) if reason]
    names = ", ".join(sorted(forgetful))
    way_out = "persist_result=False on what may be executed again"
    if len(reasons) < len(forgetful):
        way_out = "persist_result=True on the flow, or False on what may be executed again"
    text = f"Flow run cannot be suspended: the results of {names} would be lost; set {way_out}."
    return " ".join([text, *(f"{reason}." for reason in reasons)])


def _suspended(key: str) -> State[Any]:
    details = wire.StateDetails(pause_key=key, pause_reschedule=True)
    return State(type=StateType.PAUSED, name="Suspended", state_details=details)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What `suspend_flow_run` is asked for; `timeout` is in seconds."""

    asks_for: type[BaseRunInput] | None
    timeout: float | None
    key: str | None
    place: Place | None
    policy: str

    def play(self, flow_run_id: UUID | None) -> Steps[Any]:
        run = current_flow_run()
        if flow_run_id is not None and (run is None or run.flow_run.id != flow_run_id):
            return self._suspend_another(flow_run_id)
        return self._suspend_this()

    def _suspend_this(self) -> Steps[Any]:
        run = require_flow_run("Flow runs can only be suspended from within a flow run.")
        if current_task_run() is not None:
            raise PauseRefused("Cannot suspend task runs.")
        if run.flow_run.deployment_id is None:
            raise PauseRefused(
                "Flow run cannot be suspended: it has no deployment that would start it again;"
                " run it by flow.serve(), or use pause_flow_run()."
            )
        if run.results.forgetful:
            raise PauseRefused(_loss(run.results.forgetful))
        run.pauses_seen += 1
        suspension = Suspension(
            run=run,
            number=run.pauses_seen,
            place=self.place,
            key=self.key or "",
            timeout=self.timeout,
            poll_interval=POLL_SECONDS,
            asks_for=self.asks_for,
            policy=self.policy,
        )
        return (yield from run.pause_turns.pass_through(suspension.play()))

    def _suspend_another(self, flow_run_id: UUID) -> Steps[None]:
        state = (yield from flow_runs.read_flow_run(flow_run_id)).state
        if state is not None and state.is_paused():
            raise PauseRefused(f"Flow run {flow_run_id} is paused already.")
        key = self.key or str(uuid4())
        names, step = ("Suspended", key), f"the suspension with the key {key!r}"
        try:
            yield from bind_steps(
                flow_run_id, self.asks_for, names=names, step=step, policy=self.policy
            )
        except ObjectAlreadyExists:
            raise PauseRefused(f"The key {key!r} is taken in flow run {flow_run_id}.") from None
        now = yield from read_clock()
        result = yield from flow_runs.propose_state(flow_run_id, self._proposed(key, now))
        if result.status is not wire.SetStateStatus.ACCEPT:
            reason = result.details.reason
            raise PauseRefused(f"Flow run {flow_run_id} cannot be suspended: {reason}")
        yield from keep_steps(flow_run_id, self.asks_for, names=names, paused=result)

    def _proposed(self, key: str, now: Moment) -> State[Any]:
        state = _suspended(key)
        if self.timeout is not None:
            state.state_details.pause_timeout = now.utc + timedelta(seconds=self.timeout)
        if self.asks_for is not None:
            keyset = keyset_from_pause("Suspended", key).as_dict()
            state.state_details.run_input_keyset = keyset
        return state


def suspend_steps(
    wait_for_input: Any,
    flow_run_id: UUID | None,
    *,
    timeout: float | None,
    key: str | None,
    policy: str | None = None,
) -> Steps[Any]:
    check_timeout(timeout)
    check_key(key)
    place = None if key else calling_place()
    asks_for = run_input_subclass_from_type(wait_for_input) if wait_for_input is not None else None
    request = _Request(
        asks_for=asks_for,
        timeout=timeout,
        key=key,
        place=place,
        policy=policy_for(asks_for, policy),
    )
    return request.play(flow_run_id)


def suspend_flow_run(
    wait_for_input: Any = None,
    flow_run_id: UUID | None = None,
    timeout: float | None = 3600,
    key: str | None = None,
    *,
    policy: str | None = None,
) -> Any:
    """Suspend the current flow run, or the one with `flow_run_id`; semantics of Prefect 3.9.

    Awaitable in an async flow, where `asuspend_flow_run` is the same with types to match. The
    current run is left at once, by an exception that `except Exception` does not catch; its
    process ends. Another one stops where it next calls a task or a flow, or ends. Tasks that
    were submitted and have started run to their end. When a person resumes the run, whoever
    serves its deployment runs the flow again from its beginning; this call then returns the
    answer, and the run goes on. `wait_for_input`, `key` and `policy` are those of
    `pause_flow_run`.
    After `timeout` seconds, None for never, the run fails.

    Raises PauseRefused, before anything is lost: in a task, for a run without a deployment, after
    tasks for which `persist_result` was left unsaid (their results would be lost), or that asked
    by arguments which change whenever the flow begins again (AnswerBelongsElsewhere), for
    another run that does not run or is paused already; ObjectNotFound; ValueError for a negative
    timeout.

    Example: `answer = suspend_flow_run(wait_for_input=Approval, timeout=86400)`
    """
    return dispatch(
        suspend_steps(wait_for_input, flow_run_id, timeout=timeout, key=key, policy=policy)
    )


async def asuspend_flow_run(
    wait_for_input: Any = None,
    flow_run_id: UUID | None = None,
    timeout: float | None = 3600,  # noqa: ASYNC109 -- Prefect's signature
    key: str | None = None,
    *,
    policy: str | None = None,
) -> Any:
    """Suspend a flow run: `suspend_flow_run` for async code.

    Example: `answer = await asuspend_flow_run(wait_for_input=Approval)`
    """
    return await on_loop(
        suspend_steps(wait_for_input, flow_run_id, timeout=timeout, key=key, policy=policy)
    )
