"""The stream of events of a Prefect server: which run moved into which state, moments ago.

It is a hint. Events are sent before the change can be read, some are lost, and a deleted run sends
none.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from flowruns.connectors.prefect.address import Address
from flowruns.connectors.prefect.errors import (
    RemoteFault,
    RemoteTrouble,
    Unauthorized,
    Unreachable,
)
from flowruns.connectors.prefect.outcomes import Moved
from flowruns.connectors.prefect.parsing import parse
from flowruns.wire.events import Event, read_object_id

_OPEN_SECONDS = 5.0
_BEAT_SECONDS = 1.0
# A socket on which no pong comes back in this time is dead.
_PING_SECONDS = 20.0
_MAX_BYTES = 4_000_000
_REFUSED = 1008
# Without an end in the future a Prefect server sends no live events at all.
_FOREVER = "2099-01-01T00:00:00Z"


def watch(
    address: Address, *, since: datetime, stopped: Callable[[], bool]
) -> Iterator[Moved | None]:
    """Yield the moves of runs since a moment, and None once a second while the socket lives.

    Ends once `stopped()`. Raises `RemoteTrouble` when the stream breaks.
    """
    try:
        with _open(address) as socket:
            _subscribe(socket, address, since=since)
            yield None
            while not stopped():
                yield _receive(socket)
    except RemoteTrouble:
        raise
    except ConnectionClosed as closed:
        raise _read_close(closed) from closed
    except InvalidStatus as error:
        raise _read_handshake(error.response.status_code) from error
    except (OSError, WebSocketException) as error:
        raise Unreachable(f"The stream of events cannot be opened: {error}.") from error


def _open(address: Address) -> Connection:
    return connect(
        address.socket_url,
        additional_headers=address.request_headers,
        subprotocols=["prefect"],  # type: ignore[list-item]  # a subtype of str
        ssl=address.trust() if address.is_encrypted else None,
        open_timeout=_OPEN_SECONDS,
        close_timeout=_BEAT_SECONDS,
        ping_interval=_PING_SECONDS,
        ping_timeout=_PING_SECONDS,
        max_size=_MAX_BYTES,
    )


def _subscribe(socket: Connection, address: Address, *, since: datetime) -> None:
    """Say who we are, and which events we want; the server acknowledges the first alone."""
    socket.send(json.dumps({"type": "auth", "token": address.credentials.secret}))
    reply = _read(socket.recv(timeout=_OPEN_SECONDS))
    if reply.get("type") != "auth_success":
        raise Unauthorized("The stream of events does not accept this desk's credentials.")
    wanted = {
        "event": {
            "prefix": ["prefect.flow-run."],
            "exclude_name": ["prefect.flow-run.heartbeat"],
        },
        "occurred": {"since": since.astimezone(UTC).isoformat(), "until": _FOREVER},
    }
    socket.send(json.dumps({"type": "filter", "backfill": True, "filter": wanted}))


def _receive(socket: Connection) -> Moved | None:
    try:
        message = _read(socket.recv(timeout=_BEAT_SECONDS))
    except TimeoutError:
        return None
    return _read_move(message.get("event"))


def _read_move(found: Any) -> Moved | None:
    """Return which run moved, or None for an event that is odd or tells of something else.

    The id of the event is the state's.
    """
    try:
        event = parse(Event, found)
    except RemoteFault:
        return None
    flow_run_id = read_object_id("flow-run", event.resource_id)
    state_type = event.resource.get("prefect.state-type")
    if flow_run_id is None or state_type is None:
        return None
    return Moved(
        flow_run_id=flow_run_id,
        state_id=event.id,
        state_type=state_type,
        occurred=event.occurred,
    )


def _read(text: str | bytes) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _read_close(closed: ConnectionClosed) -> RemoteTrouble:
    if closed.rcvd is not None and closed.rcvd.code == _REFUSED:
        return Unauthorized("The stream of events does not accept this desk's credentials.")
    return Unreachable(f"The stream of events was closed: {closed}.")


def _read_handshake(status: int) -> RemoteTrouble:
    if status in {401, 403}:
        return Unauthorized(f"The stream of events does not accept this desk: {status}.")
    return RemoteFault(f"There is no stream of events: the server answered {status}.")
