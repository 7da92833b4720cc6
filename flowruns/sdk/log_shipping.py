"""Send log lines to the server in batches, from a thread that never holds up the flow."""

import atexit
import sys
import threading
import time
from collections import deque
from typing import Final

from flowruns import wire
from flowruns.sdk import calls
from flowruns.sdk.drive import Connection, run
from flowruns.sdk.errors import FlowRunsError, ServerUnreachable

MOST_LINES: Final = 20_000
MOST_PER_BATCH: Final = 500
MOST_BATCH_CHARACTERS: Final = 500_000
# Lines that come close together travel together; a reviewer still sees them "at once".
GATHERING_SECONDS: Final = 0.2
AWAY_SECONDS: Final = 3.0
FLUSH_SECONDS: Final = 10.0


class LogShipper:
    """A bounded queue of log lines and the thread that empties it; the oldest lines give way."""

    def __init__(self) -> None:
        self._lines: deque[wire.LogCreate] = deque(maxlen=MOST_LINES)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._in_flight = 0
        self._hurry = False
        self._is_away = False
        self._told: set[str] = set()

    def add(self, line: wire.LogCreate) -> None:
        with self._changed:
            self._lines.append(line)
            if self._thread is None or not self._thread.is_alive():
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            atexit.register(self.flush)
        self._thread = threading.Thread(target=self._ship, name="flowruns-logs", daemon=True)
        self._thread.start()

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Wait until the lines so far are sent; not longer than `timeout` s or one failure."""
        ends_at = time.monotonic() + timeout
        with self._changed:
            self._hurry = True
            self._is_away = False
            self._changed.notify_all()
            while (self._lines or self._in_flight) and not self._is_away:
                if not self._changed.wait(max(0.0, ends_at - time.monotonic())):
                    break
            self._hurry = False

    def _ship(self) -> None:
        with Connection() as connection:
            while True:
                batch = self._take()
                self._send(batch, connection)

    def _take(self) -> list[wire.LogCreate]:
        with self._changed:
            self._changed.wait_for(lambda: self._lines)
            self._changed.wait_for(lambda: self._hurry, GATHERING_SECONDS)
            batch: list[wire.LogCreate] = []
            characters = 0
            while self._lines and len(batch) < MOST_PER_BATCH:
                characters += len(self._lines[0].message)
                if batch and characters > MOST_BATCH_CHARACTERS:
                    break
                batch.append(self._lines.popleft())
            self._in_flight = len(batch)
            return batch

    def _send(self, batch: list[wire.LogCreate], connection: Connection) -> None:
        try:
            run(calls.create_logs(batch, patience=0), connection)
        except ServerUnreachable:
            self._put_back(batch)
        except FlowRunsError as error:
            # The server will refuse these lines again, and logging it would add more of them.
            self._tell(str(error))
            self._done(is_away=False)
        else:
            self._done(is_away=False)

    def _done(self, *, is_away: bool) -> None:
        with self._changed:
            self._in_flight = 0
            self._is_away = is_away
            self._changed.notify_all()

    def _put_back(self, batch: list[wire.LogCreate]) -> None:
        with self._changed:
            room = MOST_LINES - len(self._lines)
            self._lines.extendleft(reversed(batch[-room:] if room else []))
            self._in_flight = 0
            self._is_away = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._hurry, AWAY_SECONDS)

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            sys.stderr.write(f"flowruns: log lines were not stored. {problem}\n")
