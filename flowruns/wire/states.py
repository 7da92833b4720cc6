"""States and verdicts on the wire."""

from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import (
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
)

from flowruns.domain import states
from flowruns.domain.states import StateType
from flowruns.wire.base import DateTime, InputKey, Request, Wire


class StateDetails(Wire):
    """As Prefect 3.9; the fields that rules read are typed, the others pass through."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: DateTime | None = None
    cache_key: str | None = None
    cache_expiration: DateTime | None = None
    deferred: bool | None = False
    untrackable_result: bool = False
    pause_timeout: DateTime | None = None
    pause_reschedule: bool = False
    pause_key: InputKey | None = None
    run_input_keyset: dict[str, InputKey] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None

    @field_validator("run_input_keyset")
    @classmethod
    def _keyset_is_complete(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        missing = {"schema", "response"} - set(value or ())
        if value is not None and missing:
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        return value

    def to_domain(self) -> states.StateDetails:
        known = {"scheduled_time", "pause_timeout", "pause_reschedule"}
        known |= {"pause_key", "run_input_keyset"}
        return states.StateDetails(
            scheduled_time=self.scheduled_time,
            pause_timeout=self.pause_timeout,
            pause_reschedule=self.pause_reschedule,
            pause_key=self.pause_key,
            run_input_keyset=self.run_input_keyset,
            extra=self.model_dump(mode="json", exclude=known, exclude_defaults=True),
        )

    @classmethod
    def from_domain(cls, details: states.StateDetails) -> Self:
        return cls(
            scheduled_time=details.scheduled_time,
            pause_timeout=details.pause_timeout,
            pause_reschedule=details.pause_reschedule,
            pause_key=details.pause_key,
            run_input_keyset=dict(details.run_input_keyset) if details.run_input_keyset else None,
            **details.extra,
        )


class StateCreate(Request):
    """A state that a client proposes."""

    type: StateType
    name: str | None = Field(None, max_length=1000)
    message: str | None = None
    data: JsonValue = None
    state_details: StateDetails = Field(default_factory=StateDetails)

    def to_domain(self) -> states.State:
        """Make the state; one that is scheduled for no time is scheduled for now."""
        now = datetime.now(UTC)
        details = self.state_details.to_domain()
        if self.type is StateType.SCHEDULED and details.scheduled_time is None:
            details = replace(details, scheduled_time=now)
        return states.State(
            type=self.type,
            name=self.name or "",
            message=self.message,
            data=self.data,
            details=details,
            timestamp=now,
        )

    @classmethod
    def from_domain(cls, state: states.State) -> Self:
        return cls(
            type=state.type,
            name=state.name,
            message=state.message,
            data=state.data,
            state_details=StateDetails.from_domain(state.details),
        )


class State(Wire):
    """A state as the server recorded it."""

    id: UUID
    type: StateType
    name: str | None = None
    timestamp: DateTime
    message: str | None = None
    data: JsonValue = None
    state_details: StateDetails = Field(default_factory=StateDetails)

    def to_domain(self) -> states.State:
        return states.State(
            id=self.id,
            type=self.type,
            name=self.name or "",
            timestamp=self.timestamp,
            message=self.message,
            data=self.data,
            details=self.state_details.to_domain(),
        )

    @classmethod
    def from_domain(cls, state: states.State) -> Self:
        return cls(
            id=state.id,
            type=state.type,
            name=state.name,
            timestamp=state.timestamp,
            message=state.message,
            data=state.data,
            state_details=StateDetails.from_domain(state.details),
        )


class SetStateStatus(StrEnum):
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


class InputProblem(Wire):
    """What is wrong with one place of a run input. Ours; Prefect names only the first."""

    path: list[str | int] = []
    message: str


class VerdictDetails(Wire):
    """Why a transition was not accepted; `delay_seconds` only where the client should wait."""

    type: Literal["accept_details", "reject_details", "abort_details", "wait_details"]
    reason: str | None = None
    delay_seconds: int | None = None
    problems: list[InputProblem] | None = None

    @model_serializer(mode="wrap")
    def _leave_out_nothings(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Show each kind of details with its own fields, as Prefect 3.9 does."""
        shown: dict[str, Any] = serialize(self)
        return {name: value for name, value in shown.items() if value is not None}


class OrchestrationResult(Wire):
    """The verdict on a proposed state, and the state the run has now."""

    state: State | None = None
    status: SetStateStatus
    details: VerdictDetails


class SetState(Request):
    state: StateCreate
    force: bool = False
