"""Slack's Socket Mode: what is pressed there comes in by a connection that we open.

Of several connections Slack uses one for each envelope, so any number of processes may listen.
"""

import json
import logging
import threading
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection, connections
from websockets.sync.client import connect

from approvals.messages.slack_api import call_slack
from approvals.messages.slack_buttons import take_press, take_reason

_OPEN_SECONDS = 10
_log = logging.getLogger(__name__)
_listener: threading.Thread | None = None


def listen_to_slack() -> int:
    """Keep a thread that listens, where the settings ask for it; returns how many there are.

    A round of it ends at once, unlike a connection, so whoever watches the loops sees it alive.
    """
    global _listener  # noqa: PLW0603 -- a process listens once
    if not settings.SLACK_APP_TOKEN:
        return 0
    if _listener is None or not _listener.is_alive():
        _listener = threading.Thread(target=_listen, name="slack", daemon=True)
        _listener.start()
    return 1


def _listen() -> None:
    try:
        take_presses()
    except Exception:  # noqa: BLE001 -- opened again in the next round
        _log.exception("The connection to Slack failed; it is opened again.")
    finally:
        connections.close_all()


def take_presses() -> int:
    """Take what is pressed until Slack ends the connection; returns how much that was.

    Each envelope is acknowledged before anything else: Slack waits three seconds for it.
    """
    opened = call_slack("apps.connections.open", token=settings.SLACK_APP_TOKEN)
    taken = 0
    with connect(opened["url"], open_timeout=_OPEN_SECONDS) as socket:
        for text in socket:
            envelope = json.loads(text)
            if envelope.get("type") == "disconnect":
                break
            if "envelope_id" in envelope:
                socket.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
                _take(envelope.get("payload") or {})
                taken += 1
    return taken


def _take(payload: dict[str, Any]) -> None:
    if not connection.in_atomic_block:
        close_old_connections()  # hours may have passed since the last press
    try:
        match payload.get("type"):
            case "block_actions":
                take_press(payload)
            case "view_submission":
                take_reason(payload)
    except Exception:  # noqa: BLE001 -- whatever one press comes to, the next one is taken
        _log.exception("What was pressed in Slack could not be done.")
