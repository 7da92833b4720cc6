"""/api/events/in: events of flows, one in each message."""

import logging

from pydantic import ValidationError

from flowruns.web.sockets import recording
from flowruns.web.sockets.connection import Socket
from flowruns.wire.events import MAX_EVENT_BYTES, Event

_log = logging.getLogger(__name__)


async def take_events(socket: Socket) -> None:
    """Take events until the client leaves; what is not an event is left out, and said once.

    The answer to a ping says that all events before it are stored: the client forgets them then.
    """
    socket.before_pong = recording.until_stored
    is_told = False
    while True:
        try:
            event = _read_event(await socket.receive())
        except ValueError as error:
            if not is_told:
                _log.warning("%s sent what is no event: %s", socket.client, error)
            is_told = True
        else:
            await recording.add(event)


def _read_event(text: str) -> Event:
    """Return the event; raises `ValueError` with a sentence that shows nothing of it."""
    if len(text) > MAX_EVENT_BYTES:
        raise ValueError(f"It has more than {MAX_EVENT_BYTES} characters.")
    try:
        return Event.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place} {first['msg']}".strip()) from None
