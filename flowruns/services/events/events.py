"""Events: recorded once each, told to whoever listens, read in pages, forgotten after a while."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction

from flowruns.models import Event
from flowruns.models.prepared import PreparedInsert
from flowruns.pubsub import event_feed
from flowruns.services.events.task_runs import read_report, record_task_runs
from flowruns.wire import events as wire

_DELETED_AT_ONCE = 1_000
_new_events = PreparedInsert(Event, ignore_conflicts=True)


def record_events(events: Iterable[wire.Event]) -> None:
    """Store events with what they say of task runs; one that is stored already is left alone."""
    sent = {event.id: event for event in events}
    # Before the transaction, in which others would wait for as long as it takes
    reports = {event.id: report for event in sent.values() if (report := read_report(event))}
    with transaction.atomic():
        stored = set(Event.objects.filter(pk__in=sent).values_list("pk", flat=True))
        new = [event for event in sent.values() if event.id not in stored]
        if new:
            store_events(new)
            record_task_runs([reports[event.id] for event in new if event.id in reports])


def store_events(events: Sequence[wire.Event]) -> None:
    """Store new events and announce them with the commit; in a transaction."""
    now = datetime.now(UTC)
    _new_events.insert_all(
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
    )
    event_feed.events.announce([event.id for event in events])


def delete_old_events() -> int:
    """Forget a batch of the oldest events beyond `EVENT_RETENTION_DAYS`; return how many."""
    oldest = datetime.now(UTC) - timedelta(days=settings.EVENT_RETENTION_DAYS)
    old = Event.objects.filter(received__lt=oldest).order_by("received")
    ids = list(old.values_list("pk", flat=True)[:_DELETED_AT_ONCE])
    deleted, _ = Event.objects.filter(pk__in=ids).delete()
    return deleted
