"""Who may come in: a websocket's handshake and key, as Prefect 3.9's client shows it.

The client sends `PREFECT_API_AUTH_STRING` in its first message, but never `PREFECT_API_KEY`,
which it means for Prefect Cloud. Without either, a process of this server's own user may come in
where a server for this machine is told so: it could read the local key's file as well. Not unasked:
what forwards connections in that user's name cannot be told from what was meant.
"""

import asyncio

from django.conf import settings
from django.db import InterfaceError, OperationalError

from flowruns.models import ApiKey
from flowruns.pubsub.waiters import ask_database
from flowruns.services.api_keys import find_api_key
from flowruns.web.sockets.connection import POLICY_VIOLATION, Socket
from flowruns.web.sockets.same_user import belongs_to_our_user
from flowruns.wire.headers import read_key

_SUBPROTOCOL = "prefect"
_AWAY_SECONDS = 0.5
_NO_KEY = "No API key: set PREFECT_API_AUTH_STRING to it."
_WRONG_KEY = "Invalid token: this API key is not valid here."
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-real-ip")


async def authenticate(socket: Socket) -> bool:
    """Shake hands; False where the socket was closed instead."""
    if "origin" in socket.headers:  # a browser, on whatever page: no flow runs there
        await socket.refuse()
        return False
    speaks_prefect = _SUBPROTOCOL in socket.subprotocols
    await socket.accept(_SUBPROTOCOL if speaks_prefect else None)
    token = ""
    if speaks_prefect:
        message = await socket.receive_object()
        if message.get("type") != "auth":
            await socket.close(POLICY_VIOLATION, "Expected 'auth' message")
            return False
        token = str(message.get("token") or "").rpartition(":")[2]
    problem = await _find_problem(
        socket, token or read_key(socket.headers.get("authorization", ""))
    )
    if problem:
        await socket.close(POLICY_VIOLATION, problem)
        return False
    if speaks_prefect:
        await socket.send('{"type":"auth_success"}')
    return True


async def _find_problem(socket: Socket, key: str) -> str:
    if not key:
        return "" if await _is_at_home(socket) else _NO_KEY
    found = await _find_key(key)
    if found is None:
        return _WRONG_KEY
    scopes = {ApiKey.Scope.FLOWS}
    if socket.path.endswith("/out"):
        scopes.add(ApiKey.Scope.RESUME)
    if not any(found.allows(scope) for scope in scopes):
        return f"The API key lacks the scope: {' or '.join(sorted(scopes))}."
    socket.key_id = found.pk
    return ""


async def _is_at_home(socket: Socket) -> bool:
    """Whether the socket needs no key; never where a proxy may speak for anybody."""
    if not settings.SAME_USER_NEEDS_NO_KEY or any(name in socket.headers for name in _FORWARDED):
        return False
    return await asyncio.to_thread(belongs_to_our_user, socket.client, socket.server)


async def _find_key(key: str) -> ApiKey | None:
    """Look the key up; while the database is away, the client waits rather than gives up."""
    while True:
        try:
            return await ask_database(lambda: find_api_key(key))
        except (InterfaceError, OperationalError):
            await asyncio.sleep(_AWAY_SECONDS)
