"""Send log lines and events to the server in batches, from threads that never hold up the flow."""

import atexit
import os
import sys
import threading
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from flowruns import wire
from flowruns.domain.ids import new_id
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.errors import FlowRunsError, ServerUnreachable
from flowruns.sdk.steps.drive import Connection, run
from flowruns.sdk.steps.steps import Steps

MOST_ITEMS: Final = 20_000
MOST_BATCH_CHARACTERS: Final = 500_000
# Lines that come close together travel together; a reviewer still sees them "at once".
GATHERING_SECONDS: Final = 0.2
AWAY_SECONDS: Final = 3.0
IDLE_SECONDS: Final = 2.0
FLUSH_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Batch[T]:
    """Items that travel together. By its key a server knows a batch that comes twice."""

    items: list[T]
    key: UUID = field(default_factory=new_id)


class Shipper[T](ABC):
    """A bounded queue and the thread that empties it.

    The oldest items give way, but for the batch that is on its way: nobody knows whether it came.
    """

    what: str
    most_per_batch: int  # which do not wait for more

    def __init__(self) -> None:
        self._is_registered = False
        self._told: set[str] = set()
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._items: deque[T] = deque(maxlen=MOST_ITEMS)
        self._unsent: Batch[T] | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_sending = False
        self._hurry = False
        self._is_away = False

    @abstractmethod
    def _measure(self, item: T) -> int:
        """Return about how many characters an item has."""

    @abstractmethod
    def _post(self, batch: Batch[T]) -> Steps[None]:
        """Send a batch, once."""

    def add(self, item: T) -> None:
        with self._changed:
            self._items.append(item)
            if self._thread is None:
                self._start()
            # Else the thread looks anyway, when its time has come
            if len(self._items) in {1, self.most_per_batch}:
                self._changed.notify_all()

    def _start(self) -> None:
        if not self._is_registered:
            atexit.register(self.flush)
            if hasattr(os, "register_at_fork"):
                # The thread stays behind in the parent, which sends what there was.
                os.register_at_fork(after_in_child=self._begin_empty)
            self._is_registered = True
        name = f"flowruns-{self.what}"
        self._thread = threading.Thread(target=self._ship, name=name, daemon=True)
        self._thread.start()

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Wait until the items so far are sent; not longer than `timeout` s or one failure."""
        with self._changed:
            self._hurry = True
            self._is_away = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_idle() or self._is_away, timeout)
            self._hurry = False

    def _is_idle(self) -> bool:
        return not self._items and self._unsent is None and not self._is_sending

    def _ship(self) -> None:
        """Send until there has been nothing to send for a while."""
        with Connection() as connection:
            while batch := self._take_batch():
                self._send(batch, connection)

    def _take_batch(self) -> Batch[T] | None:
        with self._changed:
            self._is_sending = self._unsent is not None
            if self._unsent is not None:
                return self._unsent
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._items, IDLE_SECONDS)
            if self._items:
                self._changed.wait_for(self._has_to_go, GATHERING_SECONDS)
            items = self._next_items()
            if items:
                self._is_sending = True
                return Batch(items)
            self._thread = None
            return None

    def _has_to_go(self) -> bool:
        return self._hurry or len(self._items) >= self.most_per_batch

    def _next_items(self) -> list[T]:
        items: list[T] = []
        characters = 0
        while self._items and len(items) < self.most_per_batch:
            characters += self._measure(self._items[0])
            if items and characters > MOST_BATCH_CHARACTERS:
                break
            items.append(self._items.popleft())
        return items

    def _send(self, batch: Batch[T], connection: Connection) -> None:
        self._unsent = None
        try:
            connection.follow_settings()
            run(self._post(batch), connection)
        except ServerUnreachable:
            self._keep(batch)
        except FlowRunsError as error:
            # The server would refuse these items again, and a log line of it would follow them.
            self._report_problem(str(error))

    def _keep(self, batch: Batch[T]) -> None:
        """Keep a batch as it is, to be sent again."""
        with self._changed:
            self._unsent = batch
            self._is_away = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._hurry and not self._is_away, AWAY_SECONDS)

    def _report_problem(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            sys.stderr.write(f"flowruns: {self.what} were not stored. {problem}\n")


class LogShipper(Shipper[wire.LogCreate]):
    what = "log lines"
    most_per_batch = 500

    def _measure(self, item: wire.LogCreate) -> int:
        return len(item.message)

    def _post(self, batch: Batch[wire.LogCreate]) -> Steps[None]:
        return flow_runs.create_logs(batch.items, key=batch.key, patience=0)


class EventShipper(Shipper[dict[str, Any]]):
    """Ships events as they travel. By its own id a server knows one that comes twice."""

    what = "task runs"
    most_per_batch = 100  # the server stores them while the tasks go on

    def _measure(self, item: dict[str, Any]) -> int:
        return 1_000 + len(item["resource"].get("prefect.state-message", ""))

    def _post(self, batch: Batch[dict[str, Any]]) -> Steps[None]:
        return flow_runs.create_events(batch.items, patience=0)
