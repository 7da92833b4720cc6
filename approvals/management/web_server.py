"""The web server in this process: a bound socket, uvicorn, and a prompt end."""

import asyncio
import errno
import fcntl
import gc
import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from django.core.management.base import CommandError

from approvals.management.ordered_pings import OrderedPings
from approvals.management.timed_http import TimedHttp
from flowruns.pubsub import waiters

_APPLICATION = "approvals.project.asgi:application"
_GRACE_SECONDS = 1
# Far above the longest event: a longer one is left out, but a longer frame ends its connection.
_LONGEST_FRAME = 16 * 1024 * 1024
# A table of so many descriptors takes half a megabyte.
_HIGHEST_DESCRIPTOR = 65_535
# Longer than the proxies and clients in front of us keep idle connections.
_KEEP_ALIVE_SECONDS = 75
_TICK_SECONDS = 1.0
# New objects until they are looked through: those of held requests are many, and stay.
_GARBAGE = 20_000


def collect_seldom() -> None:
    """Look for garbage after many new objects, and never among those that are there by now.

    What is loaded stays, and looking through it would cost more than most answers do.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE)


class WebServer(uvicorn.Server):
    """Says when it listens, and holds no request any longer once it is told to end."""

    def __init__(self, *, on_listening: Callable[[], None]) -> None:
        config = uvicorn.Config(
            _APPLICATION,
            lifespan="on",
            http=TimedHttp,
            ws=OrderedPings,
            ws_max_size=_LONGEST_FRAME,
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the settings' TRUST_PROXY decides that
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        super().__init__(config)
        self._on_listening = on_listening
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        collect_seldom()
        self._on_listening()

    async def main_loop(self) -> None:
        """Tick once a second, as the `Date` of answers needs, and end at once when told to."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._ending.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        waiters.release_all()
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)


def end_on_signals() -> None:
    """Let SIGTERM and Ctrl-C end the process through its `finally` clauses, with exit code 0."""

    def end(*_: object) -> None:
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; raises `CommandError` with one sentence."""
    _allow_connections()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # Named, because asyncio sends small packets at once (TCP_NODELAY) only where it is: without
        # that each answer on a kept connection is 40 ms late
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} on {host} is in use by another program. "
                "Stop it, or choose another with --port."
            ) from error
        raise CommandError(f"Cannot listen on {host}:{port} ({error.strerror}).") from error
    return _close_first(bound)


def _allow_connections() -> None:
    """Take as many descriptors as are allowed; a shell's soft limit may be as low as 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (
        _HIGHEST_DESCRIPTOR if hard == resource.RLIM_INFINITY else min(hard, _HIGHEST_DESCRIPTOR)
    )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _close_first(listener: socket.socket) -> socket.socket:
    """Give the listener the highest descriptor, which Linux closes first when it ends a process.

    Else the clients of a killed server, whose connections would end before, connect once more
    before it is gone, and Prefect's take that for an answer that nobody should try again after.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = min(limit - 1, _HIGHEST_DESCRIPTOR) if limit > 0 else _HIGHEST_DESCRIPTOR
    with listener:
        return socket.socket(fileno=fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, highest))
