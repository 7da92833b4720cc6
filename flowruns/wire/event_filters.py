"""Prefect 3.9's filter objects for events, which also say whether an event passes them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

from pydantic import Field

from flowruns.wire.base import DateTime, Request, Wire
from flowruns.wire.events import RESOURCE_ID, RESOURCE_ROLE, Event, Resource
from flowruns.wire.filters import Filter, Ids, Part, TextSearch, Unsupported
from flowruns.wire.text_search import read_search

_LOOK_BACK = timedelta(days=180)
EVENTS_PAGE_LIMIT = 50

type Parts = Annotated[list[Part], Field(max_length=500)]
# Label -> patterns, one of which its value matches; "*" stands for anything, "!" for the opposite
type Labels = Annotated[dict[str, Part | Parts], Field(max_length=100)]


class EventOrder(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


class Criterion(Protocol):
    def includes(self, event: Event) -> bool: ...


class OccurredFilter(Filter):
    since: DateTime = Field(default_factory=lambda: datetime.now(UTC) - _LOOK_BACK)
    until: DateTime = Field(default_factory=lambda: datetime.now(UTC))

    def includes(self, event: Event) -> bool:
        return self.since <= event.occurred <= self.until


class EventNameFilter(Filter):
    prefix: Parts | None = None
    exclude_prefix: Parts | None = None
    name: Parts | None = None
    exclude_name: Parts | None = None

    def includes(self, event: Event) -> bool:
        name = event.event
        if self.prefix and not name.startswith(tuple(self.prefix)):
            return False
        if self.exclude_prefix and name.startswith(tuple(self.exclude_prefix)):
            return False
        if self.name and name not in self.name:
            return False
        return not (self.exclude_name and name in self.exclude_name)


class AnyResourceFilter(Filter):
    """One of the resources that an event involves."""

    id: Parts | None = None
    id_prefix: Parts | None = None
    labels: Labels | None = None

    def includes(self, event: Event) -> bool:
        return any(self.matches(resource) for resource in (event.resource, *event.related))

    def matches(self, resource: Resource) -> bool:
        resource_id = resource[RESOURCE_ID]
        if self.id and resource_id not in self.id:
            return False
        if self.id_prefix and not resource_id.startswith(tuple(self.id_prefix)):
            return False
        return not self.labels or _has_labels(resource, self.labels)


class ResourceFilter(AnyResourceFilter):
    """The resource that an event is about."""

    distinct: Unsupported = False

    def includes(self, event: Event) -> bool:
        return self.matches(event.resource)


class RelatedFilter(Filter):
    """One of the related resources of an event."""

    id: Parts | None = None
    role: Parts | None = None
    resources_in_roles: Annotated[list[tuple[Part, Part]], Field(max_length=500)] | None = None
    labels: Labels | None = None

    def includes(self, event: Event) -> bool:
        criteria = (self.id, self.role, self.resources_in_roles, self.labels)
        return not any(criteria) or any(self._matches(related) for related in event.related)

    def _matches(self, related: Resource) -> bool:
        resource_id, role = related[RESOURCE_ID], related[RESOURCE_ROLE]
        if self.id and resource_id not in self.id:
            return False
        if self.role and role not in self.role:
            return False
        if self.resources_in_roles and (resource_id, role) not in self.resources_in_roles:
            return False
        return not self.labels or _has_labels(related, self.labels)


class EventIdFilter(Filter):
    id: Ids | None = None

    def includes(self, event: Event) -> bool:
        return not self.id or event.id in self.id


class EventTextSearch(TextSearch):
    """Words in an event's name, its labels' values and its payload."""

    def includes(self, event: Event) -> bool:
        values = [
            value for resource in (event.resource, *event.related) for value in resource.values()
        ]
        text = " ".join([event.event, *values, str(event.payload)])
        return read_search(self.query).matches(text)


class EventFilter(Filter):
    """Which events: all criteria have to be met."""

    occurred: OccurredFilter = Field(default_factory=OccurredFilter)
    event: EventNameFilter | None = None
    resource: ResourceFilter | None = None
    related: RelatedFilter | Annotated[list[RelatedFilter], Field(max_length=100)] | None = None
    any_resource: (
        AnyResourceFilter | Annotated[list[AnyResourceFilter], Field(max_length=100)] | None
    ) = None
    id: EventIdFilter = Field(default_factory=EventIdFilter)
    text: EventTextSearch | None = None
    order: EventOrder = EventOrder.DESC

    def includes(self, event: Event) -> bool:
        criteria: list[Criterion | None] = [self.occurred, self.id, self.event, self.resource]
        criteria.append(self.text)
        for several in (self.related, self.any_resource):
            criteria += several if isinstance(several, list) else [several]
        return all(f is None or f.includes(event) for f in criteria)

    @property
    def looks_into_resources(self) -> bool:
        """Whether it asks for more than time, name, and ids of events and their resources."""
        labels = self.resource.labels if self.resource else None
        return bool(self.related or self.any_resource or labels or self.text)


class EventQuery(Request):
    filter: EventFilter | None = None
    limit: Annotated[int, Field(ge=0, le=EVENTS_PAGE_LIMIT)] = EVENTS_PAGE_LIMIT


class EventPageToken(Wire):
    """What a link to the next page carries."""

    filter: EventFilter
    limit: Annotated[int, Field(ge=0, le=EVENTS_PAGE_LIMIT)]
    offset: Annotated[int, Field(ge=0, lt=2**31)] = 0


def _has_labels(resource: Resource, wanted: dict[str, Part | Parts]) -> bool:
    return all(
        _matches_any(resource.get(label), [patterns] if isinstance(patterns, str) else patterns)
        for label, patterns in wanted.items()
    )


def _matches_any(value: str | None, patterns: Iterable[str]) -> bool:
    if value is None:
        return False
    return any(
        fnmatchcase(value, pattern.removeprefix("!")) is not pattern.startswith("!")
        for pattern in patterns
    )
