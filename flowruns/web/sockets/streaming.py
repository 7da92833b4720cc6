"""Sending rows of a feed to a websocket, first those of a while ago, then each as it comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from uuid import UUID

from django.db import models

from flowruns.pubsub.event_feed import Feed, FeedInterrupted, ListenerTooSlow
from flowruns.web.sockets.connection import SERVICE_RESTART, TRY_AGAIN_LATER, Socket

# A row's id and the text to send
type Spoken = tuple[UUID, str]


async def stream[Row: models.Model](
    socket: Socket,
    feed: Feed[Row],
    *,
    wants: Callable[[Row], bool],
    speak: Callable[[Row], str],
    before: AsyncIterator[Spoken],
) -> None:
    """Send what is wanted until the client leaves; a client that reads too slowly is sent away.

    Clients come back by themselves and ask for what they missed.
    """
    sending = asyncio.create_task(_send(socket, feed, wants, speak, before))
    leaving = asyncio.create_task(socket.until_closed())
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not leaving.done():
            await sending
    except ListenerTooSlow:
        await socket.close(TRY_AGAIN_LATER, "You read too slowly; connect again.")
    except FeedInterrupted:
        await socket.close(SERVICE_RESTART, "Some may be missing; connect again.")
    finally:
        for task in (sending, leaving):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _send[Row: models.Model](
    socket: Socket,
    feed: Feed[Row],
    wants: Callable[[Row], bool],
    speak: Callable[[Row], str],
    before: AsyncIterator[Spoken],
) -> None:
    async with feed.listening(wants) as listener:
        sent = set()
        async for row_id, text in before:
            sent.add(row_id)
            await _send_in_turn(socket, text)
        while True:
            row = await listener.next()
            if row.pk in sent:  # committed while the rows of before were read
                sent.discard(row.pk)
            else:
                await _send_in_turn(socket, speak(row))


async def _send_in_turn(socket: Socket, text: str) -> None:
    """Send a text, and let others go on: a socket that takes all at once waits for nothing."""
    await socket.send(text)
    await asyncio.sleep(0)


async def nothing() -> AsyncIterator[Spoken]:
    """Say nothing of what was before."""
    spoken: tuple[Spoken, ...] = ()
    for row in spoken:
        yield row
