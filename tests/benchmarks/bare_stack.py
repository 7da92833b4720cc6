"""What the stack takes that this server stands on: what no code of ours can go below.

`python -m tests.benchmarks.bare_stack hold|django PORT` serves; `side_by_side` starts it. `hold`
is uvicorn with an application that holds requests, and nothing else. `django` is Django with its
admin, and Ninja with one operation, behind uvicorn.
"""

import asyncio
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from tests.benchmarks.load import memory
from tests.environments import clean_environment
from tests.servers import ROOT, free_port, wait_until_ready

_COMMITS = 50
_KEEP_ALIVE_SECONDS = 75
_changed: dict[str, asyncio.Event] = defaultdict(asyncio.Event)


@dataclass(frozen=True, kw_only=True)
class BareServer:
    url: str
    pid: int


@contextmanager
def bare_server(kind: str) -> Iterator[BareServer]:
    """Serve `hold` or `django` in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", __name__, kind, str(port)]
    with (
        tempfile.NamedTemporaryFile() as log,
        subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stderr=log) as process,
    ):
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/api/ready", process, Path(log.name))
            yield BareServer(url=f"http://127.0.0.1:{port}", pid=process.pid)
        finally:
            process.terminate()


def measure_commit() -> float:
    """Return the milliseconds of a commit of one row by SQLite with `synchronous=FULL`."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "db", autocommit=True)) as database,
    ):
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE written (text TEXT)")
        taken = []
        for _ in range(_COMMITS):
            began = time.perf_counter()
            database.execute("INSERT INTO written VALUES ('some text')")
            taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def measure_memory() -> float:
    """Return the megabytes of Django and Ninja that serve one operation."""
    with bare_server("django") as server:
        return memory(server.pid)


async def hold(scope: Any, receive: Any, send: Any) -> None:
    """Hold a GET until its run is changed by a POST, or its time is over."""
    changed = _changed[scope["path"].removesuffix("/set_state")]
    wait = dict(scope["headers"]).get(b"prefer", b"").partition(b"=")[2]
    status, body = 200, b"{}"
    if scope["method"] == "POST":
        status = 201
        changed.set()
    elif wait:
        try:
            async with asyncio.timeout(float(wait)):
                await changed.wait()
        except TimeoutError:
            status, body = 304, b""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


def make_django() -> Any:
    """Return an application of Django with its admin, and of Ninja with one operation."""
    import django
    from django.conf import settings

    settings.configure(
        ROOT_URLCONF="tests.benchmarks.bare_urls",
        SECRET_KEY="bare",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            f"django.contrib.{name}"
            for name in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
        ],
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    )
    django.setup()
    from django.core.asgi import get_asgi_application
    from django.urls import get_resolver

    assert get_resolver().url_patterns
    return get_asgi_application()


def main(kind: str, port: str) -> None:
    application: Any = hold if kind == "hold" else make_django()
    uvicorn.run(
        application,
        port=int(port),
        http="httptools",
        lifespan="off",
        log_level="error",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
