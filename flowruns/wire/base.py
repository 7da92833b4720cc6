"""What all parts of the wire share: bounds, types of values, and the two kinds of body."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    model_validator,
)

from flowruns.domain import keysets
from flowruns.domain.run_names import new_run_name

API_VERSION = "0.8.4"
PREFECT_VERSION = "3.9.1"
MAX_HOLD_SECONDS = 60
PAGE_LIMIT = 200
# Of lists and objects in each other; from 255 on pydantic would take them and not give them back
MAX_NESTING = 200
MAX_PARAMETER_BYTES = 524_288  # of parameters as JSON; as Prefect 3.9's default


def to_utc(value: datetime) -> datetime:
    """Return a moment in UTC, which a client says without a zone as Prefect does."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range once converted to UTC") from None


def _valid_input_key(value: str) -> str:
    if not keysets.is_valid_key(value):
        raise ValueError("must only contain lowercase letters, numbers, and dashes")
    return value


type DateTime = Annotated[datetime, AfterValidator(to_utc)]
type Seconds = Annotated[
    timedelta, PlainSerializer(lambda value: value.total_seconds(), return_type=float)
]
type InputKey = Annotated[str, AfterValidator(_valid_input_key)]
type JsonObject = dict[str, JsonValue]


def _within_size(parameters: dict[str, JsonValue]) -> dict[str, JsonValue]:
    size = len(json.dumps(parameters, separators=(",", ":")))
    if size > MAX_PARAMETER_BYTES:
        raise ValueError(
            f"Flow run parameters must be less than {MAX_PARAMETER_BYTES:,} bytes when serialized"
            f" (got {size:,} bytes)."
        )
    return parameters


type Parameters = Annotated[JsonObject, AfterValidator(_within_size)]
type SmallInt = Annotated[int, Field(ge=-(2**31), lt=2**31)]
# A flow's name is part of addresses, so Prefect keeps these out of it
type FlowName = Annotated[str, Field(max_length=1000, pattern=r"^[^/%&><]+$")]
type Name = Annotated[str, Field(min_length=1, max_length=1000)]
type RunName = Annotated[Name, BeforeValidator(lambda name: name or new_run_name())]


def refuse_unstorable(value: Any, path: str = "", depth: int = 0) -> None:
    """Raise at the first NUL character, which PostgreSQL cannot store, and where no end is near."""
    if depth > MAX_NESTING:
        raise ValueError(f"The body is nested more than {MAX_NESTING} levels deep")
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError(f"{path or 'The body'} contains a NUL character; remove it")
    elif isinstance(value, dict):
        for key, item in value.items():
            refuse_unstorable(key, f"A key of {path or 'the body'}")
            refuse_unstorable(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            refuse_unstorable(item, f"{path}[{index}]", depth + 1)


def read_old_policy(policy: Any) -> Any:
    """Take what older clients call retries, where they send no newer name (as Prefect 3.9)."""
    if not isinstance(policy, dict):
        return policy
    read = dict(policy)
    for name, old in (("retries", "max_retries"), ("retry_delay", "retry_delay_seconds")):
        if not policy.get(name) and policy.get(old):
            read[name] = policy[old]
    return read


class Wire(BaseModel):
    """What both directions share. Its validators are built when they are first needed."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True, defer_build=True)


class Request(Wire):
    """A body that a client sends."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_cannot_be_stored(cls, data: Any) -> Any:
        if isinstance(data, dict):
            refuse_unstorable(data)
        return data
