"""Reading stored events by Prefect's filters, in pages."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from flowruns.models import Event
from flowruns.wire import events as wire
from flowruns.wire.event_filters import EventFilter, EventNameFilter, EventOrder, ResourceFilter

# Criteria that no index serves are looked for in so many events, the first in the order asked for.
_MOST_SEARCHED = 10_000

type Position = tuple[datetime, UUID]


def present_event(row: Event) -> wire.ReceivedEvent:
    """Render an event, which was checked when it came."""
    return wire.ReceivedEvent.model_construct(
        id=row.id,
        occurred=row.occurred,
        received=row.received,
        event=row.event,
        resource=row.resource,
        related=row.related,
        payload=row.payload,
        follows=row.follows,
    )


def read_events(f: EventFilter, *, offset: int, limit: int) -> tuple[list[wire.ReceivedEvent], int]:
    """Return a page of the events that match, and how many there are."""
    events = _preselect(f)
    order = ("occurred", "id") if f.order is EventOrder.ASC else ("-occurred", "-id")
    events = events.order_by(*order)
    if not f.looks_into_resources:
        page = events[offset : offset + limit]
        return [present_event(row) for row in page], events.count()
    found = [e for row in events[:_MOST_SEARCHED].iterator() if f.includes(e := present_event(row))]
    return found[offset : offset + limit], len(found)


def read_events_after(
    f: EventFilter, position: Position | None, *, limit: int
) -> tuple[list[wire.ReceivedEvent], Position | None]:
    """Return those of the next events that match, oldest first, and where to go on, if anywhere."""
    events = _preselect(f)
    if position is not None:
        occurred, event_id = position
        events = events.filter(Q(occurred__gt=occurred) | Q(occurred=occurred, id__gt=event_id))
    rows = list(events.order_by("occurred", "id")[:limit])
    matching = [event for event in map(present_event, rows) if f.includes(event)]
    is_last = len(rows) < limit
    return matching, None if is_last else (rows[-1].occurred, rows[-1].id)


def _preselect(f: EventFilter) -> QuerySet[Event]:
    """Select by what the database knows: time, id, name and the resource's id."""
    events = Event.objects.filter(occurred__gte=f.occurred.since, occurred__lte=f.occurred.until)
    if f.id.id:
        events = events.filter(pk__in=f.id.id)
    if f.event is not None:
        events = _select_names(events, f.event)
    if f.resource is not None:
        events = _select_resources(events, f.resource)
    return events


def _select_names(events: QuerySet[Event], f: EventNameFilter) -> QuerySet[Event]:
    if f.prefix:
        events = events.filter(_begins_with_any("event", f.prefix))
    if f.exclude_prefix:
        events = events.exclude(_begins_with_any("event", f.exclude_prefix))
    if f.name:
        events = events.filter(event__in=f.name)
    if f.exclude_name:
        events = events.exclude(event__in=f.exclude_name)
    return events


def _select_resources(events: QuerySet[Event], f: ResourceFilter) -> QuerySet[Event]:
    if f.id:
        events = events.filter(resource_id__in=f.id)
    if f.id_prefix:
        events = events.filter(_begins_with_any("resource_id", f.id_prefix))
    return events


def _begins_with_any(column: str, starts: Iterable[str]) -> Q:
    criteria = Q(pk__in=[])
    for start in starts:
        criteria |= Q(**{f"{column}__begins_with": start})
    return criteria
