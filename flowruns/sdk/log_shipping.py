"""Send log lines to the server in batches, from a thread that never holds up the flow."""

import atexit
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from flowruns import wire
from flowruns.domain.ids import new_id
from flowruns.sdk import calls
from flowruns.sdk.drive import Connection, run
from flowruns.sdk.errors import FlowRunsError, ServerUnreachable

MOST_LINES: Final = 20_000
MOST_PER_BATCH: Final = 500
MOST_BATCH_CHARACTERS: Final = 500_000
# Lines that come close together travel together; a reviewer still sees them "at once".
GATHERING_SECONDS: Final = 0.2
AWAY_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 2.0
FLUSH_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that travel together. By its key a server knows a batch that comes twice."""

    lines: list[wire.LogCreate]
    key: UUID = field(default_factory=new_id)


class LogShipper:
    """A bounded queue of log lines and the thread that empties it.

    The oldest lines give way, but for the batch that is on its way: nobody knows whether it came.
    """

    def __init__(self) -> None:
        self._lines: deque[wire.LogCreate] = deque(maxlen=MOST_LINES)
        self._unsent: Batch | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_registered = False
        self._hurry = False
        self._is_away = False
        self._told: set[str] = set()

    def add(self, line: wire.LogCreate) -> None:
        with self._changed:
            self._lines.append(line)
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        if not self._is_registered:
            atexit.register(self.flush)
            self._is_registered = True
        self._thread = threading.Thread(target=self._ship, name="flowruns-logs", daemon=True)
        self._thread.start()

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Wait until the lines so far are sent; not longer than `timeout` s or one failure."""
        with self._changed:
            self._hurry = True
            self._is_away = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._thread is None or self._is_away, timeout)
            self._hurry = False

    def _ship(self) -> None:
        """Send until there has been nothing to send for a while."""
        with Connection() as connection:
            while batch := self._take():
                self._send(batch, connection)

    def _take(self) -> Batch | None:
        with self._changed:
            if self._unsent is not None:
                return self._unsent
            self._changed.wait_for(lambda: self._lines or self._hurry, IDLE_SECONDS)
            if self._lines:
                self._changed.wait_for(lambda: self._hurry, GATHERING_SECONDS)
            lines = self._next_lines()
            if lines:
                return Batch(lines)
            self._thread = None
            self._changed.notify_all()
            return None

    def _next_lines(self) -> list[wire.LogCreate]:
        lines: list[wire.LogCreate] = []
        characters = 0
        while self._lines and len(lines) < MOST_PER_BATCH:
            characters += len(self._lines[0].message)
            if lines and characters > MOST_BATCH_CHARACTERS:
                break
            lines.append(self._lines.popleft())
        return lines

    def _send(self, batch: Batch, connection: Connection) -> None:
        self._unsent = None
        try:
            run(calls.create_logs(batch.lines, key=batch.key, patience=0), connection)
        except ServerUnreachable:
            self._keep(batch)
        except FlowRunsError as error:
            # The server would refuse these lines again, and a log line of it would follow them.
            self._tell(str(error))

    def _keep(self, batch: Batch) -> None:
        """Keep a batch as it is, to be sent again."""
        with self._changed:
            self._unsent = batch
            self._is_away = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._hurry and not self._is_away, AWAY_SECONDS)

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            sys.stderr.write(f"flowruns: log lines were not stored. {problem}\n")
