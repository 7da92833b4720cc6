"""Ways to break what a desk stands on, each for the time of a block."""

import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from tests.postgres import PostgreSQL


@contextmanager
def killed(database: PostgreSQL) -> Iterator[None]:
    """Kill all of PostgreSQL's processes, as a power cut does."""
    database.kill()
    try:
        yield
    finally:
        database.start()


@contextmanager
def stopped(database: PostgreSQL) -> Iterator[None]:
    """Stop PostgreSQL in order, as for a restart."""
    database.stop()
    try:
        yield
    finally:
        database.start()


@contextmanager
def cut_off(database: PostgreSQL) -> Iterator[None]:
    """Let PostgreSQL answer nothing, over connections that stay: as behind a pulled plug."""
    pids = database.list_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def no_more_room(*pids: int) -> Iterator[None]:
    """Let no file of these processes grow beyond two pages: their disk is full."""
    with ExitStack() as stack:
        for pid in pids:
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, before[1]))
            stack.callback(resource.prlimit, pid, resource.RLIMIT_FSIZE, before)
        yield


@contextmanager
def read_only(database: Path) -> Iterator[None]:
    """Let nobody write a SQLite database, also who has it open (ext4, by root)."""
    files = [str(path) for path in (database, database.with_name(f"{database.name}-wal"))]
    subprocess.run(["chattr", "+i", *files], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Keep a SQLite database from all other writers."""
    with closing(sqlite3.connect(database)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        yield
        lock.rollback()
