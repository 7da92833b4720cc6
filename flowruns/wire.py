"""Requests and responses of the JSON API, in the dialect of Prefect 3.8's REST API.

One contract for three users: the API answers with it, the SDK asks with it, connectors read
other servers by it. Unknown fields in a request are ignored and missing optional ones take
their default, as on Prefect's server. Times are aware and travel in UTC; durations are seconds.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from flowruns.domain import keysets, states
from flowruns.domain.run_names import new_run_name
from flowruns.domain.states import StateType

API_VERSION = "0.8.4"
PREFECT_VERSION = "3.8.8"
MAX_HOLD_SECONDS = 60
PAGE_LIMIT = 200


def _to_utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range once converted to UTC") from None


def _valid_input_key(value: str) -> str:
    if not keysets.is_valid_key(value):
        raise ValueError("must only contain lowercase letters, numbers, and dashes")
    return value


type DateTime = Annotated[datetime, AfterValidator(_to_utc)]
type Seconds = Annotated[
    timedelta, PlainSerializer(lambda value: value.total_seconds(), return_type=float)
]
type InputKey = Annotated[str, AfterValidator(_valid_input_key)]
type JsonObject = dict[str, JsonValue]
type SmallInt = Annotated[int, Field(ge=-(2**31), lt=2**31)]
# a flow's name is part of addresses, so Prefect keeps these out of it
type FlowName = Annotated[str, Field(max_length=1000, pattern=r"^[^/%&><]+$")]
type Name = Annotated[str, Field(min_length=1, max_length=1000)]


def _refuse_nul(value: Any, path: str) -> None:
    """Raise at the first NUL character, which PostgreSQL cannot store in text or JSON."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError(f"{path or 'The body'} contains a NUL character; remove it")
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(key, f"A key of {path or 'the body'}")
            _refuse_nul(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_nul(item, f"{path}[{index}]")


class Wire(BaseModel):
    """What both directions share."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class Request(Wire):
    """A body that a client sends."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_cannot_be_stored(cls, data: Any) -> Any:
        if isinstance(data, dict):
            _refuse_nul(data, "")
        return data


class StateDetails(Wire):
    """As Prefect 3.8; the fields that rules read are typed, the others pass through."""

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
        """Show each kind of details with its own fields, as Prefect 3.8 does."""
        shown: dict[str, Any] = serialize(self)
        return {name: value for name, value in shown.items() if value is not None}


class OrchestrationResult(Wire):
    """The verdict on a proposed state, and the state the run has now."""

    state: State | None = None
    status: SetStateStatus
    details: VerdictDetails


class FlowCreate(Request):
    name: FlowName
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)


class Flow(Wire):
    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)


class FlowRunPolicy(Wire):
    """How a run retries, and which pauses it has seen. `retry_delay` is in seconds."""

    max_retries: SmallInt = 0
    retry_delay_seconds: float = 0
    retries: SmallInt | None = None
    retry_delay: SmallInt | None = None
    pause_keys: list[str] | None = Field(default_factory=list)
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None


class FlowRunCreate(Request):
    state: StateCreate | None = None
    name: Name = Field(default_factory=new_run_name)
    flow_id: UUID
    flow_version: str | None = None
    parameters: JsonObject = Field(default_factory=dict)
    context: JsonObject = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    idempotency_key: str | None = Field(None, max_length=1000)
    work_queue_name: str | None = None
    job_variables: JsonObject | None = None
    deployment_id: UUID | None = None

    @field_validator("name", mode="before")
    @classmethod
    def _name_the_nameless(cls, value: Any) -> Any:
        return value or new_run_name()


class FlowRunUpdate(Request):
    """Only the fields that are present change anything."""

    name: Name | None = None
    flow_version: str | None = None
    parameters: JsonObject = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    infrastructure_pid: str | None = Field(None, max_length=1000)
    job_variables: JsonObject | None = None


class CreatedBy(Wire):
    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class FlowRun(Wire):
    """A flow run as the server has it now."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: JsonObject = Field(default_factory=dict)
    idempotency_key: str | None = None
    context: JsonObject = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = []
    labels: JsonObject | None = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: Seconds = timedelta(0)
    estimated_run_time: Seconds = timedelta(0)
    estimated_start_time_delta: Seconds = timedelta(0)
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: CreatedBy | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    state: State | None = None
    job_variables: JsonObject | None = None


class FlowRunPage(Wire):
    results: list[FlowRun]
    count: int
    limit: int
    pages: int
    page: int


class SetState(Request):
    state: StateCreate
    force: bool = False


class Resume(Request):
    """`run_input` answers the schema that the pause stored."""

    run_input: JsonObject | None = None


class RunInputCreate(Request):
    key: InputKey = Field(max_length=1000)
    value: str
    sender: str | None = Field(None, max_length=1000)


class RunInputFilter(Request):
    prefix: str
    limit: Annotated[int, Field(ge=0, le=PAGE_LIMIT)] = 1
    exclude_keys: list[str] = []


class RunInput(Wire):
    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    flow_run_id: UUID
    key: str
    value: str
    sender: str | None = None


class LogCreate(Wire):
    """A log line; a NUL in its message is shown as U+FFFD rather than lost with its batch."""

    name: str
    level: SmallInt
    message: str
    timestamp: DateTime
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    @field_validator("name", "message")
    @classmethod
    def _show_nul(cls, value: str) -> str:
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")


class Log(LogCreate):
    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
