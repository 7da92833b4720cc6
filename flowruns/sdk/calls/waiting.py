"""Wait for a flow run to change: held by a server that can, polled on one that cannot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.lost_runs import may_be_taken_back
from flowruns.sdk import dispatch
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.asking import GRACE_SECONDS, WAITING, Outage, ask_once
from flowruns.sdk.context import current_logger
from flowruns.sdk.errors import FlowRunWaitTimeout, ServerUnreachable
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.steps import Moment, Reply, Send, Sleep, Steps, read_clock
from flowruns.wire.headers import ATTEND, prefer_inputs

if TYPE_CHECKING:
    from flowruns.sdk.calls.client import FlowRunsClient, SyncFlowRunsClient

# How long one request says that a process is there. One that vanishes with its machine closes no
# connection, and is thought to be there until then.
ATTENDING_SECONDS = 15
# A crash that the server only presumes is believed after so long: the network may have been cut.
DOUBT_SECONDS = 30.0
# The last look, at the end: within a second of it the wait is over, whatever the server does.
LAST_LOOK_SECONDS = 0.4


@dataclass(slots=True, kw_only=True)
class Watch:
    """Follows one flow run until `ends_at` on the clock of `Moment.seconds`.

    A server that is away then is asked for `grace` seconds more, for what it took before.
    `is_heartbeat` says that this process runs it, or has taken it to be run. With `only_held` a
    server that cannot hold requests is not asked again and again.
    """

    flow_run_id: UUID
    poll_interval: float
    ends_at: float = math.inf
    grace: float = 0.0
    known: State[Any] | None = None
    is_heartbeat: bool = False
    longest_hold: int = wire.MAX_HOLD_SECONDS
    only_held: bool = False
    # The keys of inputs that the run is to come with, and what of them came last; None where the
    # server does not know of that.
    wanted: Sequence[str] = ()
    inputs: Mapping[str, str] | None = field(default=None, init=False)
    is_held: bool = field(default=True, init=False)
    last_answer: float = field(default=-math.inf, init=False)
    _outage: Outage = field(init=False)
    _told: State[Any] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._outage = self._new_outage()

    def next_change(self) -> Steps[FlowRun | None]:
        """Return the run as soon as its state is not the known one, or None when that is in vain.

        Raises ObjectNotFound when the run is gone and NotAuthorized when the key is.
        """
        while True:
            asked = yield from read_clock()
            run, pause = yield from self._read_run(asked)
            if run is not None and self._is_news(run):
                self.known = run.state
                return run
            now = yield from read_clock()
            if self._is_over(asked) or (self.only_held and not self.is_held):
                return None
            yield Sleep(min(max(0.0, pause - (now.seconds - asked.seconds)), self._left(now)))

    def has_seen_the_end(self) -> bool:
        """Whether the server said at the deadline, or after it, that nothing had changed."""
        return self.last_answer >= self.ends_at

    def has_more_time(self) -> bool:
        """Whether the last look showed a later deadline in the state; it is the end from now on.

        The span between the two is what counts, so that clocks need not agree.
        """
        was, now = _deadline_of(self.known), _deadline_of(self._told)
        if was is None or now is None or now <= was:
            return False
        self.ends_at += (now - was).total_seconds()
        self.known, self._outage = self._told, self._new_outage()
        return True

    def _new_outage(self) -> Outage:
        return Outage(patience=WAITING, ends_at=self.ends_at + self.grace)

    def _is_over(self, asked: Moment) -> bool:
        """Whether what was asked then was the last look."""
        if asked.seconds < self.ends_at:
            return False
        return self.has_seen_the_end() or not self._patience(asked)

    def _patience(self, now: Moment) -> float:
        """Return for how many seconds it makes sense to ask a server that is away."""
        return max(0.0, self.ends_at + self.grace - now.seconds)

    def _left(self, now: Moment) -> float:
        return max(0.0, self.ends_at - now.seconds)

    def _is_news(self, run: FlowRun) -> bool:
        known_id = self.known.id if self.known else None
        return run.state is not None and run.state.id != known_id

    def _read_run(self, now: Moment) -> Steps[tuple[FlowRun | None, float]]:
        """Ask once; return the run, if the answer holds one, and how long to leave until next."""
        request = self._request(now)
        try:
            reply = yield from ask_once(request)
        except ServerUnreachable as trouble:
            if self._patience(now) > 0:
                yield from self._endure(trouble)
            return None, 0.0
        self._outage.is_over()
        self.last_answer = now.seconds
        run = None if reply.status == 304 else self._take(reply.json())
        self._told = run.state if run else None
        return run, self._pause_after(reply)

    def _take(self, body: Any) -> FlowRun:
        self.inputs = body.get("inputs")
        return FlowRun.model_validate(body)

    def _endure(self, trouble: ServerUnreachable) -> Steps[None]:
        try:
            yield from self._outage.endure(trouble)
        except ServerUnreachable:
            return

    def _request(self, now: Moment) -> Send:
        """Ask for another state; at the end for the state whatever it is, with its deadline."""
        path = f"/flow_runs/{self.flow_run_id}"
        hold = math.floor(min(self.longest_hold, self._left(now)))
        is_conditional = self.known is not None and self._left(now) > 0
        headers = {"If-None-Match": f'"{self.known.id}"'} if self.known and is_conditional else {}
        preferences = [f"wait={hold}"] if hold and self.known else []
        if self.is_heartbeat:
            preferences.append(ATTEND)
        if self.wanted:
            preferences.append(prefer_inputs(self.wanted))
        if preferences:
            headers["Prefer"] = ", ".join(preferences)
        timeout = min(hold + GRACE_SECONDS, self._patience(now) + LAST_LOOK_SECONDS)
        return Send(method="GET", path=path, headers=headers, timeout=timeout)

    def _pause_after(self, reply: Reply) -> float:
        """Pace the questions: a server that held this one may be asked again a second after it.

        One that knows nothing of holding answers at once, and is asked every `poll_interval`.
        """
        self.is_held = reply.headers.get("preference-applied", "").startswith("wait")
        return min(1.0, self.poll_interval) if self.is_held else self.poll_interval


def _deadline_of(state: State[Any] | None) -> datetime | None:
    return state.state_details.pause_timeout if state else None


def wait_steps(
    flow_run_id: UUID, *, timeout: float | None, poll_interval: float, log_states: bool
) -> Steps[FlowRun]:
    now = yield from read_clock()
    ends_at = math.inf if timeout is None else now.seconds + timeout
    watch = Watch(flow_run_id=flow_run_id, poll_interval=poll_interval, ends_at=ends_at)
    logged: set[UUID] = set()
    run = yield from watch.next_change()
    while run is not None and run.state is not None:
        if log_states:
            yield from _log_states(flow_run_id, logged)
        doubt = DOUBT_SECONDS if may_be_taken_back(run.state.to_domain()) else 0.0
        if run.state.is_final() and not doubt:
            return run
        changed = yield from _next_change(watch, within=doubt or math.inf)
        if changed is None and run.state.is_final():
            return run
        run = changed
    raise FlowRunWaitTimeout(
        f"Flow run with ID {flow_run_id} exceeded watch timeout of {timeout} seconds"
    )


def _next_change(watch: Watch, *, within: float) -> Steps[FlowRun | None]:
    now = yield from read_clock()
    ends_at, watch.ends_at = watch.ends_at, min(watch.ends_at, now.seconds + within)
    try:
        return (yield from watch.next_change())
    finally:
        watch.ends_at = ends_at


def _log_states(flow_run_id: UUID, logged: set[UUID]) -> Steps[None]:
    """Log what the run went through since the last time, also what came and went in between."""
    for state in (yield from flow_runs.read_flow_run_states(flow_run_id)):
        if state.id not in logged:
            logged.add(state.id)
            current_logger().info("Flow run is in state %r", state.name)


def wait_for_flow_run(
    flow_run_id: UUID,
    timeout: float | None = 10800,
    poll_interval: float = 5,
    client: "FlowRunsClient | SyncFlowRunsClient | None" = None,
    log_states: bool = False,
) -> Any:
    """Wait until a flow run has finished and return it, a `FlowRun`; semantics of Prefect 3.9.

    Awaitable in async code. A server that holds requests tells of the end at once; another is
    asked every `poll_interval` seconds. Restarts of the server are waited out. `timeout` is in
    seconds, None waits for ever. With `log_states` each state of the run's history is logged once,
    also one that came and went between two looks, or before the first.

    Raises FlowRunWaitTimeout, or ObjectNotFound when there is no such run.

    Example: `finished = await wait_for_flow_run(flow_run.id, timeout=600)`
    """
    steps = wait_steps(
        flow_run_id, timeout=timeout, poll_interval=poll_interval, log_states=log_states
    )
    return client.play(steps) if client else dispatch.dispatch(steps)
