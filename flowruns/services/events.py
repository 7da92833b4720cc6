"""Events: recorded once each, with what they say of task runs."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from django.db import transaction

from flowruns.models import Event
from flowruns.services.task_run_events import record_task_runs
from flowruns.wire import events as wire


def record_events(events: Iterable[wire.Event]) -> None:
    """Store events with what they say of task runs; one that is stored already is left alone."""
    sent = {event.id: event for event in events}
    with transaction.atomic():
        stored = set(Event.objects.filter(pk__in=sent).values_list("pk", flat=True))
        new = [event for event in sent.values() if event.id not in stored]
        if new:
            store_events(new)
            record_task_runs(new)


def store_events(events: Sequence[wire.Event]) -> None:
    """Store new events and say nothing of those that are there; in a transaction."""
    now = datetime.now(UTC)
    Event.objects.bulk_create(
        [
            Event(
                id=event.id,
                occurred=event.occurred,
                received=now,
                event=event.event,
                resource_id=event.resource_id,
                resource_ids=event.resource_ids,
                resource=event.resource,
                related=event.related,
                payload=event.payload,
                follows=event.follows,
            )
            for event in events
        ],
        ignore_conflicts=True,
    )
