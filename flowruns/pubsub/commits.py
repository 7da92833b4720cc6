"""Noticing that something was committed, by whichever process, for loops that sleep until then."""

import threading

from django.db import connection

# Each says the same as long as nobody commits, and something else afterwards. PostgreSQL counts
# what is committed to the other databases of its cluster too: a loop then looks once in vain.
_QUESTIONS = {
    "sqlite": "PRAGMA data_version",
    "postgresql": "SELECT pg_current_snapshot()::text",
}


class CommitWatch:
    """Counts the looks that found a commit; one thread looks, and any number wait."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: object = None
        self._counted = threading.Condition()
        self._is_over = False

    def look(self) -> None:
        """Look once. Who waits is woken also by a failure, to meet it."""
        seen, self._seen = self._seen, None
        try:
            self._seen = _read_version()
        finally:
            if self._seen is None or self._seen != seen:
                self._wake()

    def wait(self, *, beyond: int, seconds: float) -> None:
        """Wait until `count` is beyond what it was, at most so long."""
        with self._counted:
            self._counted.wait_for(lambda: self._is_over or self.count > beyond, seconds)

    def end(self) -> None:
        """Let nobody wait any longer."""
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        with self._counted:
            self.count += 1
            self._counted.notify_all()


def _read_version() -> object:
    with connection.cursor() as cursor:
        cursor.execute(_QUESTIONS[connection.vendor])
        return cursor.fetchone()
