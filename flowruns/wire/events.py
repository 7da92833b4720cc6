"""Events on the wire: what happened to a resource, in the dialect of Prefect 3.9's REST API."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue, field_validator

from flowruns.wire.base import DateTime, JsonObject, Wire

RESOURCE_ID = "prefect.resource.id"
RESOURCE_NAME = "prefect.resource.name"
RESOURCE_ROLE = "prefect.resource.role"

# Prefect's bounds
MAX_EVENT_BYTES = 1_500_000
_MOST_LABELS = 500
_MOST_RELATED = 100
_LONGEST_MESSAGE = 100_000


def _has_id(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get(RESOURCE_ID):
        raise ValueError(f"lacks the label {RESOURCE_ID}")
    return labels


def _has_role(labels: dict[str, str]) -> dict[str, str]:
    if not labels.get(RESOURCE_ROLE):
        raise ValueError(f"lacks the label {RESOURCE_ROLE}")
    return labels


type Resource = Annotated[dict[str, str], Field(max_length=_MOST_LABELS), AfterValidator(_has_id)]
type RelatedResource = Annotated[Resource, AfterValidator(_has_role)]


def relate(kind: str, object_id: UUID, name: str) -> RelatedResource:
    """Name one of Prefect's objects as a related resource, in the role of its kind."""
    return {
        RESOURCE_ID: f"prefect.{kind}.{object_id}",
        RESOURCE_ROLE: kind,
        RESOURCE_NAME: name,
    }


class Event(Wire):
    """Something that happened to a resource, with the clock of the one who tells it."""

    occurred: DateTime
    event: str = Field(max_length=1024)
    resource: Resource
    related: list[RelatedResource] = Field(default=[], max_length=_MOST_RELATED)
    payload: JsonObject = Field(default_factory=dict)
    id: UUID
    follows: UUID | None = None

    @field_validator("event", "resource", "related", "payload", mode="after")
    @classmethod
    def _keep_what_can_be_stored(cls, value: Any) -> Any:
        return _storable(value)

    @property
    def resource_id(self) -> str:
        return self.resource[RESOURCE_ID]

    @property
    def resource_ids(self) -> list[str]:
        """The ids of all resources that it involves, its own first."""
        return [self.resource_id, *(related[RESOURCE_ID] for related in self.related)]

    def related_in_role(self, role: str) -> str | None:
        """Return the id of the first related resource in a role."""
        found = (r[RESOURCE_ID] for r in self.related if r[RESOURCE_ROLE] == role)
        return next(found, None)


class ReceivedEvent(Event):
    """An event as the server has it."""

    received: DateTime = Field(default_factory=lambda: datetime.now(UTC))


class EventPage(Wire):
    events: list[ReceivedEvent]
    total: int
    next_page: str | None = None


def read_object_id(kind: str, resource_id: str | None) -> UUID | None:
    """Return the id of an object from its resource's: "prefect.flow-run.<id>"."""
    start, _, rest = (resource_id or "").rpartition(".")
    try:
        return UUID(rest) if start == f"prefect.{kind}" else None
    except ValueError:
        return None


def shorten_message(message: str | None) -> str:
    """Return a state's message as an event carries it: a very long one without its middle."""
    if not message or len(message) <= _LONGEST_MESSAGE:
        return message or ""
    half = _LONGEST_MESSAGE // 2
    left_out = len(message) - 2 * half
    return f"{message[:half]}...{left_out} additional characters...{message[-half:]}"


def _storable(value: JsonValue) -> JsonValue:
    """Show a NUL as U+FFFD, and what is not a JSON number as null, rather than lose the event."""
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return dict(_storable_items(value))
    return value


def _storable_items(value: dict[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    for key, item in value.items():
        yield key.replace("\x00", "\N{REPLACEMENT CHARACTER}"), _storable(item)
