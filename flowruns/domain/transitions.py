"""A transition to be judged, what is known of its run, and the verdicts there are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from flowruns.domain.states import State

type RetryType = Literal["in_process", "reschedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFacts:
    """What the concurrency limit of a run's deployment means for the run.

    `limit` is how many runs may go on at once, `is_free` whether one more could, and `is_held`
    whether this one does already. `cancels_new`: what finds no slot is cancelled, not queued.
    """

    limit: int
    is_free: bool = False
    is_held: bool = False
    cancels_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the rules know of a flow run besides its state, and what a new state changes of it.

    Times are aware and in UTC; `retry_delay` is in seconds; `run_count` counts executions.
    `answer_accepted` says whether the current pause needs no answer or is left by `resume` with
    one that its schema accepts. `left_pause` is the pause that an ended or cancelling run left
    without an answer. `is_run_by_another` says that who proposes a pause, and may not resume one,
    is not who runs the run. `withheld` says why the reviewers of the current pause, or of that
    one, do not let the run go on; None where they do. `was_released` says that a process has taken
    the run and not started it in time, so that two may want to start it now. `slot` is None where
    no limit holds the run back.
    """

    has_deployment: bool = False
    is_subflow: bool = False
    infrastructure_pid: str | None = None
    run_count: int = 0
    retries: int | None = None
    retry_delay: int | None = None
    retry_type: RetryType | None = None
    resuming: bool = False
    pause_keys: frozenset[str] = frozenset()
    answer_accepted: bool = True
    left_pause: State | None = None
    is_run_by_another: bool = False
    withheld: str | None = None
    was_released: bool = False
    slot: SlotFacts | None = None
    expected_start_time: datetime | None = None
    next_scheduled_start_time: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A proposed state beside the current one, at `now` on the server's clock.

    `may_resume` says whether who proposes it may answer pauses, `was_due` that it was to happen
    before the deadline of the pause.
    """

    initial: State | None
    proposed: State
    run: RunFacts
    now: datetime
    may_resume: bool = True
    was_due: bool = False


@dataclass(frozen=True, slots=True)
class Accept:
    """The proposed state is written."""

    state: State


@dataclass(frozen=True, slots=True)
class Reject:
    """The proposed state is not written; `state`, if any, is written in its place."""

    reason: str
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Abort:
    """Nothing is written and the client should stop trying."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is written; the client may ask again after `delay_seconds`."""

    delay_seconds: int
    reason: str


type Verdict = Accept | Reject | Abort | Wait
