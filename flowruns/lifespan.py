"""What runs as long as the web process: hearing of state changes, and noting who is there."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from uuid import uuid4

from django.db import Error

from flowruns import waiters
from flowruns.holding import Application, Receive, Scope, Send
from flowruns.services.attendance import NOTE_SECONDS, note_attendance

_log = logging.getLogger(__name__)


def with_lifespan(app: Application) -> Application:
    """Answer the server's lifespan messages, which Django's application does not know."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await app(scope, receive, send)

    return application


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    living = [asyncio.create_task(waiters.listen()), asyncio.create_task(_note_attendance())]
    await send({"type": "lifespan.startup.complete"})
    await receive()
    for task in living:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await send({"type": "lifespan.shutdown.complete"})


async def _note_attendance() -> None:
    """Write down again and again which runs' processes hold a request here."""
    listener_id, failures = uuid4(), 0
    while True:
        try:
            note = partial(note_attendance, listener_id, waiters.attended_runs())
            await waiters.ask_database(note)
            failures = 0
        except Error as error:
            failures += 1
            if failures == 1:
                _log.warning("Cannot note whose processes are there: %s", error)
        await asyncio.sleep(NOTE_SECONDS)
