"""/api/health and /api/ready, answered in front of all else.

Probes come by address and have no patience: they are answered whatever their Host, without a turn
or a thread among other requests, and by a database connection of their own. With `?loops=1`
/api/ready also says which background loops stand still.
"""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from django.db import connection

from flowruns.pubsub import listening
from flowruns.services.upkeep.rounds import StillLoop
from flowruns.web.loop_watch import watch
from flowruns.web.types import Application, Receive, Scope, Send

ANSWER_SECONDS = 2.0
# Fails also where the database is there, and what the server keeps in it is not
_QUESTION = "SELECT 1 FROM django_migrations LIMIT 1"


def answer_probes(app: Application) -> Application:
    """Answer probes, and pass on everything else."""
    readiness = _Readiness()

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/") if scope["type"] == "http" else ""
        if path not in {"/api/health", "/api/ready"} or scope["method"] not in {"GET", "HEAD"}:
            await app(scope, receive, send)
        elif path == "/api/health":
            await _answer(send, 200, True, method=scope["method"])
        elif not await readiness.look():
            message = {"message": "Database is not available"}
            await _answer(send, 503, message, method=scope["method"])
        elif _asks_for_loops(scope) and (still := watch.still):
            await _answer(send, 503, _describe_loops(still), method=scope["method"])
        else:
            await _answer(send, 200, {"message": "OK"}, method=scope["method"])

    return application


def _asks_for_loops(scope: Scope) -> bool:
    return b"loops=1" in scope.get("query_string", b"").split(b"&")


def _describe_loops(still: Sequence[StillLoop]) -> dict[str, object]:
    loops = [
        {"loop": each.name, "since": each.since.isoformat(), "error": each.error} for each in still
    ]
    return {"message": "Background loops stand still", "loops": loops}


async def _answer(send: Send, status: int, value: object, *, method: str) -> None:
    body = json.dumps(value).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body if method == "GET" else b""})


class _Readiness:
    """Asks the database once for all probes that come together."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[bool] | None = None

    async def look(self) -> bool:
        """Return whether the database answers soon enough."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(_ask())
        return await asyncio.shield(self._asking)


async def _ask() -> bool:
    ask = _ask_postgresql if connection.vendor == "postgresql" else _ask_sqlite
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await ask()
    except (TimeoutError, sqlite3.Error, OSError):
        return False


async def _ask_postgresql() -> bool:
    import psycopg  # takes a server on SQLite a tenth of its start

    params = listening.connection_params() | {"connect_timeout": ANSWER_SECONDS}
    try:
        async with await psycopg.AsyncConnection.connect(**params, autocommit=True) as own:
            await own.execute(_QUESTION)
    except psycopg.Error:
        return False
    return True


async def _ask_sqlite() -> bool:
    name = str(connection.settings_dict["NAME"])
    await asyncio.to_thread(_read_sqlite, name)
    return True


def _read_sqlite(name: str) -> None:
    options: dict[str, Any] = {"uri": name.startswith("file:"), "timeout": ANSWER_SECONDS}
    with closing(sqlite3.connect(name, **options)) as own:
        own.execute(_QUESTION).fetchone()
