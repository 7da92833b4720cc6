"""Hearing what other processes commit: by PostgreSQL's NOTIFY, or by SQLite's data version."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, connection

from flowruns.pubsub import outages

if TYPE_CHECKING:
    import psycopg

# Options of Django and psycopg, of which the database knows nothing
_NOT_SENT = {"pool", "prepare_threshold", "server_side_binding"}
_SQLITE_POLL_SECONDS = 0.05
_RECONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Somebody who wants to hear.

    `hear` gets what was sent on the channel of a PostgreSQL database. `catch_up` is called where
    something may have been missed: whenever listening begins, and for each change of a SQLite
    file, which does not say what it is. Nobody looks at the file while `is_there` says of each
    audience that it is not; one that comes calls `look_now`.
    """

    channel: str
    hear: Callable[[str], Awaitable[None]]
    catch_up: Callable[[], Awaitable[None]]
    is_there: Callable[[], bool]


class _Alarm:
    """Ends the sleep between two looks at a SQLite file."""

    loop: asyncio.AbstractEventLoop | None = None
    rings: asyncio.Event | None = None


_alarm = _Alarm()


async def listen(audiences: Sequence[Audience]) -> None:
    """Let the audiences hear what processes commit, this one too, until cancelled."""
    listen_once = _listen_to_postgresql if connection.vendor == "postgresql" else _watch_sqlite
    while True:
        try:
            await listen_once(audiences)
        except (sqlite3.Error, OSError, *outages.AWAY) as error:
            outages.note_failure(error)
        await asyncio.sleep(_RECONNECT_SECONDS)


def look_now() -> None:
    """Look at the SQLite file at once: we have committed, or somebody waits. From any thread."""
    loop, rings = _alarm.loop, _alarm.rings
    if loop is not None and rings is not None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(rings.set)


async def _listen_to_postgresql(audiences: Sequence[Audience]) -> None:
    import psycopg  # takes a server on SQLite a tenth of its start

    try:
        async with await psycopg.AsyncConnection.connect(
            **connection_params(), autocommit=True
        ) as listening:
            await _hear(listening, {audience.channel: audience for audience in audiences})
    except psycopg.Error as error:
        raise OperationalError(*error.args) from error


async def _hear(
    listening: "psycopg.AsyncConnection[Any]", by_channel: Mapping[str, Audience]
) -> None:
    for channel in by_channel:
        await listening.execute(f"LISTEN {channel}")
    outages.note_success()
    for audience in by_channel.values():
        await audience.catch_up()
    async for message in listening.notifies():
        await by_channel[message.channel].hear(message.payload)


def connection_params() -> dict[str, Any]:
    """Return what psycopg needs to connect to Django's database, without its pool."""
    config = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD"}
    names |= {"host": "HOST", "port": "PORT"}
    options = {name: value for name, value in config["OPTIONS"].items() if name not in _NOT_SENT}
    return options | {name: config[key] for name, key in names.items() if config[key]}


async def _watch_sqlite(audiences: Sequence[Audience]) -> None:
    _alarm.loop, _alarm.rings = asyncio.get_running_loop(), asyncio.Event()
    name = str(connection.settings_dict["NAME"])
    with closing(sqlite3.connect(name, uri=name.startswith("file:"))) as watching:
        seen = None
        while True:
            _alarm.rings.clear()
            version = watching.execute("PRAGMA data_version").fetchone()
            if version != seen:
                for audience in audiences:
                    await audience.catch_up()
            seen = version
            # A timer, which costs half of what `asyncio.timeout` does
            timer = _alarm.loop.call_later(_SQLITE_POLL_SECONDS, _alarm.rings.set)
            if not any(audience.is_there() for audience in audiences):
                timer.cancel()
            await _alarm.rings.wait()
            timer.cancel()
