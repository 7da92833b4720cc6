"""What runs as long as the web process: hearing of changes, storing events, noting who is there,
and watching the background loops.
"""

import asyncio
from contextlib import suppress
from functools import partial
from uuid import uuid4

from django.db import Error

from flowruns.evaluation.processes import begin_processes, end_processes
from flowruns.pubsub import event_feed, listening, outages, waiters
from flowruns.services.upkeep.heartbeat import NOTE_SECONDS, note_heartbeats
from flowruns.web.loop_watch import watch_loops
from flowruns.web.sockets import recording, revocation
from flowruns.web.types import Application, Receive, Scope, Send

STATES = listening.Audience(
    channel=waiters.CHANNEL,
    hear=waiters.hear,
    catch_up=waiters.catch_up,
    is_there=waiters.is_there,
)


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
    begin_processes()
    audiences = [STATES, event_feed.events.audience, event_feed.logs.audience]
    living = [
        asyncio.create_task(listening.listen(audiences)),
        asyncio.create_task(recording.record_events()),
        asyncio.create_task(revocation.watch_keys()),
        asyncio.create_task(_note_heartbeats()),
        asyncio.create_task(watch_loops()),
    ]
    await send({"type": "lifespan.startup.complete"})
    await receive()
    end_processes()
    await recording.finish()
    for task in living:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await send({"type": "lifespan.shutdown.complete"})


async def _note_heartbeats() -> None:
    """Write down again and again which runs' processes hold a request here."""
    listener_id = uuid4()
    while True:
        try:
            note = partial(note_heartbeats, listener_id, waiters.heartbeat_runs())
            await waiters.ask_database(note)
            outages.note_success()
        except Error as error:
            outages.note_failure(error)
        await asyncio.sleep(NOTE_SECONDS)
