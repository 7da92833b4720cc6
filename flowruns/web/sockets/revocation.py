"""Closing the websockets whose API key is revoked while they are open.

One question every few seconds for the keys of all open websockets of this process.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import Error

from flowruns.pubsub import outages
from flowruns.pubsub.waiters import ask_database
from flowruns.services.api_keys import find_revoked_keys
from flowruns.web.sockets.connection import POLICY_VIOLATION, Socket

CHECK_SECONDS = 10.0

_open: dict[UUID, set[asyncio.Event]] = {}


async def close_when_revoked(socket: Socket) -> None:
    """Return once the socket's key has been revoked and the socket closed for it."""
    if socket.key_id is None:  # a process of our own user, which needs none
        await asyncio.get_running_loop().create_future()
        return
    with _watching(socket.key_id) as is_revoked:
        await is_revoked.wait()
    await socket.close(POLICY_VIOLATION, "This API key was revoked.")


async def watch_keys() -> None:
    """Look again and again whether a key of an open websocket has been revoked."""
    while True:
        await asyncio.sleep(CHECK_SECONDS)
        keys = tuple(_open)
        if not keys:
            continue
        try:
            revoked = await ask_database(lambda keys=keys: find_revoked_keys(keys))  # type: ignore[misc]
        except Error as error:
            outages.note_failure(error)
            continue
        for key_id in revoked:
            for is_revoked in tuple(_open.get(key_id, ())):
                is_revoked.set()


@contextmanager
def _watching(key_id: UUID) -> Iterator[asyncio.Event]:
    is_revoked = asyncio.Event()
    _open.setdefault(key_id, set()).add(is_revoked)
    try:
        yield is_revoked
    finally:
        _open[key_id].discard(is_revoked)
        if not _open[key_id]:
            del _open[key_id]
