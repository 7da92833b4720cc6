"""What a desk in a process of its own has open by now, read in its database."""

import sqlite3
from contextlib import closing

from tests.servers import ApprovalsServer


def is_open(server: ApprovalsServer, run_id: str) -> bool:
    """Whether a run's approval waits."""
    return _count(server, "outcome = 'waiting' AND flow_run_id = ?", run_id.replace("-", "")) > 0


def count_open(server: ApprovalsServer) -> int:
    return _count(server, "outcome = 'waiting'")


def is_following(server: ApprovalsServer) -> bool:
    """Whether all servers elsewhere answer it."""
    return _count(server, "error <> ''", table="flowruns_remoteserver") == 0


def _count(
    server: ApprovalsServer, condition: str, *values: str, table: str = "approvals_approval"
) -> int:
    file = f"file:{server.home / 'approvals.sqlite3'}?mode=ro"
    with closing(sqlite3.connect(file, uri=True, timeout=30)) as database:
        query = f"SELECT count(*) FROM {table} WHERE {condition}"
        return int(database.execute(query, values).fetchone()[0])
