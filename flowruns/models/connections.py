"""Connections of threads that stay."""

from django.db import close_old_connections, connections


def let_connections_go() -> None:
    """Give a pool's connections back, and keep those to a SQLite file, which take long to open.

    One that had an error is closed: the file may have been replaced, which only a new one sees.
    """
    for each in connections.all(initialized_only=True):
        if each.errors_occurred and each.vendor == "sqlite" and not each.in_atomic_block:
            each.close()
    close_old_connections()
