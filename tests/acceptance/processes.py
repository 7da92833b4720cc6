"""Processes beside a server."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import ROOT, ApprovalsServer


@contextmanager
def working(server: ApprovalsServer) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py work` beside the server, on the same home and database."""
    work = subprocess.Popen(
        [sys.executable, "manage.py", "work"],
        cwd=ROOT,
        env=server.full_environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield work
    finally:
        work.kill()
        work.wait()
