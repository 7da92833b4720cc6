"""/api/events/out: the events that a filter lets through, as they happen."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from flowruns.models import Event
from flowruns.pubsub import event_feed
from flowruns.pubsub.waiters import ask_database
from flowruns.services.events.queries import Position, present_event, read_events_after
from flowruns.web.sockets.connection import PROTOCOL_ERROR, Socket
from flowruns.web.sockets.streaming import Spoken, nothing, stream
from flowruns.wire.event_filters import EventFilter
from flowruns.wire.events import ReceivedEvent

# As Prefect 3.9
_LONGEST_LOOK_BACK = timedelta(minutes=15)
_PAGE = 250


async def send_events(socket: Socket) -> None:
    """Read the filter and send what it lets through, from its time on unless that is not wanted."""
    message = await socket.receive_object()
    if message.get("type") != "filter":
        await socket.close(PROTOCOL_ERROR, "Expected 'filter' message")
        return
    try:
        f = EventFilter.model_validate(message.get("filter"))
    except ValidationError as error:
        await socket.close_for(error)
        return
    f.occurred.since = max(f.occurred.since, datetime.now(UTC) - _LONGEST_LOOK_BACK)
    await stream(
        socket,
        event_feed.events,
        wants=lambda row: f.includes(present_event(row)),
        speak=_speak_row,
        before=_read_before(f) if message.get("backfill", True) else nothing(),
    )


async def _read_before(f: EventFilter) -> AsyncIterator[Spoken]:
    position: Position | None = None
    while True:
        page, position = await ask_database(
            lambda start=position: read_events_after(f, start, limit=_PAGE)  # type: ignore[misc]
        )
        for event in page:
            yield event.id, _speak(event)
        if position is None:
            return


def _speak_row(row: Event) -> str:
    return _speak(present_event(row))


def _speak(event: ReceivedEvent) -> str:
    return f'{{"type":"event","event":{event.model_dump_json()}}}'
