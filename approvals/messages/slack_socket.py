"""Slack's Socket Mode: what is pressed there comes in by a connection that we open.

Of several connections Slack uses one for each envelope, so any number of processes may listen.
"""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import close_old_connections, connection, connections
from websockets.exceptions import ConnectionClosed

from approvals.messages.slack_api import call_slack
from approvals.messages.slack_buttons import take_press
from approvals.messages.slack_notes import note, point_out, read_told, show, tell
from approvals.messages.slack_windows import take_submission
from approvals.models import Via
from approvals.services.origins import coming_by

if TYPE_CHECKING:
    from websockets.sync.connection import Connection

_OPEN_SECONDS = 10
# Of the three seconds in which Slack wants to hear what a window shows next
PATIENCE_SECONDS = 2.0
_WORKERS = 8
_FAILED = "Something went wrong here. Answer at the desk."
_WAIT = "One moment: this takes longer than usual. Here you will read what came of it."
_log = logging.getLogger(__name__)
_listener: threading.Thread | None = None
_workers: Executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="slack-press")


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

    Slack waits three seconds for each envelope to be acknowledged, so whatever may hang behind
    one is done elsewhere, and holds up no other.
    """
    from websockets.sync.client import connect  # by the first connection

    opened = call_slack("apps.connections.open", token=settings.SLACK_APP_TOKEN)
    taken = 0
    with connect(opened["url"], open_timeout=_OPEN_SECONDS) as socket:
        for text in socket:
            envelope = json.loads(text)
            if envelope.get("type") == "disconnect":
                break
            if "envelope_id" in envelope:
                _take(envelope.get("payload") or {}, _Acknowledgement(socket, envelope))
                taken += 1
    return taken


class _Acknowledgement:
    """What an envelope is answered with, once: by whoever is first."""

    def __init__(self, socket: "Connection", envelope: dict[str, Any]) -> None:
        self._socket, self._id = socket, envelope["envelope_id"]
        self._lock, self._is_given = threading.Lock(), False

    def give(self, told: dict[str, Any] | None = None) -> bool:
        """Return whether it is this that Slack was told."""
        with self._lock:
            is_first, self._is_given = not self._is_given, True
        payload = {"payload": told} if told else {}
        try:
            if is_first:
                self._socket.send(json.dumps({"envelope_id": self._id, **payload}))
        except ConnectionClosed:
            return False
        return is_first


def _take(payload: dict[str, Any], acknowledgement: _Acknowledgement) -> None:
    """Have an envelope worked on; a window is told at once what came of it, if that is soon."""
    if payload.get("type") != "view_submission":
        acknowledgement.give()
        _workers.submit(_do_press, payload)
        return
    timer = threading.Timer(PATIENCE_SECONDS, acknowledgement.give, [tell(_WAIT)])
    timer.daemon = True
    timer.start()
    _workers.submit(_do_submission, payload, acknowledgement, timer)


def _do_press(payload: dict[str, Any]) -> None:
    if payload.get("type") != "block_actions":
        return
    try:
        with _coming_from_slack():
            take_press(payload)
    except Exception:  # noqa: BLE001 -- whatever one press comes to, the next one is taken
        _log.exception("What was pressed in Slack could not be done.")
        note((payload.get("channel") or {}).get("id", ""), payload["user"]["id"], _FAILED)


def _do_submission(
    payload: dict[str, Any], acknowledgement: _Acknowledgement, timer: threading.Timer
) -> None:
    told = _submit(payload)
    timer.cancel()
    try:
        if not acknowledgement.give(told):
            show(payload["view"], told)
    except Exception:  # noqa: BLE001 -- the connection or the window was closed meanwhile
        _log.exception("What came of a window in Slack could not be shown in it.")
        note("", payload["user"]["id"], read_told(told))


def _submit(payload: dict[str, Any]) -> dict[str, Any]:
    """Do what somebody has filled in a window for, and return what Slack shows them then."""
    try:
        with _coming_from_slack():
            return take_submission(payload)
    except Exception:  # noqa: BLE001 -- whatever one answer comes to, the next one is taken
        _log.exception("An answer from Slack could not be taken.")
        fields = payload.get("view", {}).get("state", {}).get("values", {})
        return point_out(dict.fromkeys(list(fields)[:1], _FAILED))


@contextmanager
def _coming_from_slack() -> Iterator[None]:
    """Work with a connection to the database that hours of silence have not ended."""
    if not connection.in_atomic_block:
        close_old_connections()
    with coming_by(Via.SLACK):
        yield
