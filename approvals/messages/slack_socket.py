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
from approvals.messages.slack_buttons import is_answer, take_answer, take_press, take_reason
from approvals.models import Via
from approvals.services.origins import coming_by

_OPEN_SECONDS = 10
_FAILED = "Something went wrong here. Answer at the desk."
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

    Each envelope is acknowledged before anything else: Slack waits three seconds for it. A window
    of fields is acknowledged with what is wrong in it, so it is checked before.
    """
    opened = call_slack("apps.connections.open", token=settings.SLACK_APP_TOKEN)
    taken = 0
    with connect(opened["url"], open_timeout=_OPEN_SECONDS) as socket:
        for text in socket:
            envelope = json.loads(text)
            if envelope.get("type") == "disconnect":
                break
            if "envelope_id" in envelope:
                payload = envelope.get("payload") or {}
                told = {"payload": _answer(payload)} if is_answer(payload) else {}
                socket.send(json.dumps({"envelope_id": envelope["envelope_id"], **told}))
                if not told:
                    _take(payload)
                taken += 1
    return taken


def _answer(payload: dict[str, Any]) -> dict[str, Any]:
    """Answer as somebody has typed, and return what Slack shows them then."""
    _drop_old_connections()
    try:
        with coming_by(Via.SLACK):
            return take_answer(payload)
    except Exception:  # noqa: BLE001 -- whatever one answer comes to, the next one is taken
        _log.exception("An answer from Slack could not be taken.")
        fields = payload.get("view", {}).get("state", {}).get("values", {})
        return {"response_action": "errors", "errors": dict.fromkeys(list(fields)[:1], _FAILED)}


def _take(payload: dict[str, Any]) -> None:
    _drop_old_connections()
    try:
        with coming_by(Via.SLACK):
            match payload.get("type"):
                case "block_actions":
                    take_press(payload)
                case "view_submission":
                    take_reason(payload)
    except Exception:  # noqa: BLE001 -- whatever one press comes to, the next one is taken
        _log.exception("What was pressed in Slack could not be done.")


def _drop_old_connections() -> None:
    """Forget connections to the database that hours of silence may have ended."""
    if not connection.in_atomic_block:
        close_old_connections()
