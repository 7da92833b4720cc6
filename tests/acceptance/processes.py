"""Processes beside a server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import ApprovalsServer, Process


@contextmanager
def working(server: ApprovalsServer) -> Iterator[Process]:
    """Run `manage.py work` beside the server, on the same home and database."""
    with Path(os.devnull).open("wb") as nothing:
        work = server.begin("work", log=nothing)
    try:
        yield work
    finally:
        work.kill()
        work.wait()
