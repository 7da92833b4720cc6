"""States of a flow run, in Prefect's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from flowruns.domain.ids import new_id


class StateType(StrEnum):
    """What a state means to the engine (as Prefect 3.9); its name says it to people."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


AWAITING_SLOT = "AwaitingConcurrencySlot"
TERMINAL_STATES = frozenset(
    {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED}
)
# What lets a paused run go on, and what a cancel makes of it, at once or once its process has ended
GOING_ON_STATES = frozenset({StateType.RUNNING, StateType.SCHEDULED})
CANCEL_STATES = frozenset({StateType.CANCELLED, StateType.CANCELLING})


# In a state's details: this server thinks so, and may be wrong
PRESUMED = "presumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDetails:
    """What the rules read of a state's details; everything else travels in `extra` untouched.

    Times are aware and in UTC. `run_input_keyset` names the three inputs of a pause:
    "schema", "description" and "response".
    """

    scheduled_time: datetime | None = None
    pause_timeout: datetime | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: Mapping[str, str] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of a flow run. `name` defaults to the type's, `timestamp` is aware and in UTC."""

    type: StateType
    name: str = ""
    message: str | None = None
    data: Any = None
    details: StateDetails = field(default_factory=StateDetails)
    id: UUID = field(default_factory=new_id)
    timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.type.value.capitalize())

    @property
    def is_terminal(self) -> bool:
        return self.type in TERMINAL_STATES

    @property
    def is_presumed(self) -> bool:
        """Whether this is a crash that the server presumes, because it hears of no process."""
        return self.type is StateType.CRASHED and bool(self.details.extra.get(PRESUMED))

    @property
    def is_suspended(self) -> bool:
        """Whether this is a pause whose process has ended and is started again on resume."""
        return self.type is StateType.PAUSED and self.details.pause_reschedule

    @property
    def asks_for_input(self) -> bool:
        """Whether this is a pause that only an answer may end."""
        return self.type is StateType.PAUSED and self.details.run_input_keyset is not None

    def has_timed_out(self, now: datetime) -> bool:
        """Whether this is a pause whose deadline lies before `now`."""
        timeout = self.details.pause_timeout
        return self.type is StateType.PAUSED and timeout is not None and timeout < now


def running(*, message: str | None = None) -> State:
    return State(type=StateType.RUNNING, message=message)


def scheduled(*, at: datetime, message: str | None = None) -> State:
    details = StateDetails(scheduled_time=at)
    return State(type=StateType.SCHEDULED, message=message, details=details)


def late(*, at: datetime) -> State:
    """A scheduled run that nobody has started though it is due."""
    details = StateDetails(scheduled_time=at)
    return State(type=StateType.SCHEDULED, name="Late", details=details)


def resuming(*, at: datetime) -> State:
    """A suspended run on its way back: scheduled for now (as Prefect 3.9)."""
    details = StateDetails(scheduled_time=at)
    return State(type=StateType.SCHEDULED, name="Resuming", details=details)


def awaiting_retry(*, at: datetime) -> State:
    details = StateDetails(scheduled_time=at)
    return State(type=StateType.SCHEDULED, name="AwaitingRetry", details=details)


def awaiting_slot(*, at: datetime) -> State:
    """A run that the limit of its deployment holds back; it asks again then (as Prefect 3.9)."""
    details = StateDetails(scheduled_time=at)
    return State(type=StateType.SCHEDULED, name=AWAITING_SLOT, details=details)


def failed(message: str) -> State:
    return State(type=StateType.FAILED, message=message)


def cancelled(message: str, *, name: str = "Cancelled") -> State:
    return State(type=StateType.CANCELLED, name=name, message=message)
