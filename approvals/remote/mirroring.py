"""Mirroring: a thread for each server follows its stream, and looks itself, since streams lose.

The stream is a hint, reading is the truth, a look at all that waits is the net. Whoever has the
lease follows; two that do for a moment do no harm, since `settle` is idempotent.
"""

import logging
import math
import queue
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from os import getpid
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import Q, QuerySet

from approvals.models import Approval
from approvals.remote.settling import settle
from approvals.remote.snapshots import keep_fields, read_fields
from approvals.remote.vanishing import close_vanished
from flowruns import wire
from flowruns.connectors import PrefectConnector, list_remote_connectors, servers
from flowruns.connectors.prefect.errors import Busy, RemoteTrouble
from flowruns.connectors.prefect.outcomes import Moved
from flowruns.domain.states import StateType

_LEASE = timedelta(seconds=30)
_RENEWED_EVERY = 10.0  # seconds, as all that follows
_LOOKS_WITH_STREAM = 15.0
_LOOKS_WITHOUT = 5.0
# A look that takes long comes seldom: it may cost a server one part of twenty
_SHARE = 20.0
_WALKS = 15 * 60.0
_SHORT_WALKS = 60.0
_FEW = 1_000  # approvals, which a walk reads in few requests
_MOST_COMPARED = 10_000  # ids that one request can leave out
# After a stream has opened: what came before it is told by neither stream nor list before that
_LOOKS_AFTER_OPENING = (1.0, 6.0)
_BEHIND = 2.0  # so long may a run's reading lag behind its event
_ASKED_AGAIN = 0.05
_FORM_ARRIVES = 1.0
# Each run that is new costs two requests: the first few come at once, then 20 a second
_AT_ONCE, _BETWEEN = 20, 0.05
_FORMS = 20
_IDLE = 0.2
_LONGEST_PAUSE = 30.0
_FORSAKEN = 15.0  # without a round of `follow_servers`
_TOLD_EVERY = 2.0

_log = logging.getLogger(__name__)
_followers: dict[UUID, "Follower"] = {}


def follow_servers() -> int:
    """Keep a follower for each server that is enabled, with its settings of now; returns how many.

    Called again and again: those that nobody asks for end by themselves.
    """
    wanted = {each.server.pk: each for each in list_remote_connectors()}
    for server_id, follower in list(_followers.items()):
        connector = wanted.get(server_id)
        if connector is None or _settings(connector) != _settings(follower.connector):
            _followers.pop(server_id).stop()
    for server_id, connector in wanted.items():
        found = _followers.get(server_id)
        if found is None or not found.is_alive:
            found = _followers[server_id] = Follower(connector)
            found.start()
        found.keep()
    return len(_followers)


def list_followers() -> list["Follower"]:
    """Return the followers of this process."""
    return list(_followers.values())


def _settings(connector: PrefectConnector) -> tuple[object, ...]:
    server = connector.server
    return server.url, server.credentials, server.headers, server.ca_file, server.tags


class Follower:
    """Follows one server, in two threads: one hears its stream, the other does all the rest."""

    def __init__(self, connector: PrefectConnector) -> None:
        self.connector = connector
        self._server_id = connector.server.pk
        self._holder = f"{socket.gethostname()}:{getpid()}:{uuid.uuid4().hex[:8]}"
        self._stop = threading.Event()
        self._has_lease = threading.Event()
        self._is_streaming = threading.Event()
        self._hints: queue.SimpleQueue[Moved] = queue.SimpleQueue()
        self._kept_at = time.monotonic()
        self._looks_at = [0.0]
        self._next_walk = 0.0
        self._forms_at = math.inf
        self._renewed_at = -_RENEWED_EVERY
        self._is_probed = False
        self._read_at = 0.0
        self._fresh: list[float] = []
        self._threads = [
            threading.Thread(target=work, name=f"{name} {connector.name}", daemon=True)
            for name, work in (("mirror", self._follow), ("stream", self._listen))
        ]

    @property
    def is_alive(self) -> bool:
        return all(thread.is_alive() for thread in self._threads)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def keep(self) -> None:
        self._kept_at = time.monotonic()

    def stop(self) -> None:
        """Have it end soon, and let another process follow at once."""
        self._stop.set()

    def join(self) -> None:
        """Wait until it has ended."""
        for thread in self._threads:
            thread.join()

    @property
    def _is_stopped(self) -> bool:
        return self._stop.is_set() or time.monotonic() - self._kept_at > _FORSAKEN

    def _follow(self) -> None:
        failures = 0
        while not self._is_stopped:
            try:
                pause = _LOOKS_WITHOUT
                if self._renew():
                    self.do_round()
                    failures, pause = 0, 0.0
            except RemoteTrouble as trouble:
                failures += 1
                pause = self._note_trouble(trouble, failures)
            except Exception:  # noqa: BLE001 -- whatever it is, the next try comes
                failures += 1
                pause = _LONGEST_PAUSE
                _log.exception("Following %s failed; it is tried again.", self.connector.name)
            close_old_connections()
            self._stop.wait(pause)
        self._has_lease.clear()
        servers.give_lease_back(self._server_id, holder=self._holder)
        connection.close()

    def _renew(self) -> bool:
        """Take the lease, or prolong it when it is time; False while another process has it."""
        if time.monotonic() - self._renewed_at < _RENEWED_EVERY:
            return self._has_lease.is_set()
        until = datetime.now(UTC) + _LEASE
        if servers.take_lease(self._server_id, holder=self._holder, until=until):
            self._renewed_at = time.monotonic()
            self._has_lease.set()
        else:
            self._has_lease.clear()
        return self._has_lease.is_set()

    def _note_trouble(self, trouble: RemoteTrouble, failures: int) -> float:
        servers.record_trouble(self._server_id, words=trouble.words)
        self._is_probed = False
        if isinstance(trouble, Busy):
            return trouble.retry_after
        return _LONGEST_PAUSE if trouble.is_permanent else min(2.0**failures / 2, _LONGEST_PAUSE)

    def do_round(self, *, wait: float = _IDLE) -> None:
        """Do what is due: probe, walk, look; then wait so many seconds for hints."""
        now = time.monotonic()
        if not self._is_probed:
            self._probe()
        if now >= self._next_walk:
            self._walk()
        elif now >= min(self._looks_at):
            self._look()
        elif now >= self._forms_at:
            self._complete_forms()
        self._take_hints(wait=wait)

    def _probe(self) -> None:
        found = self.connector.probe()
        if found.version != self.connector.server.version:
            self._next_walk = 0.0
        servers.record_probe(
            self._server_id, version=found.version, clock_offset=found.clock_offset
        )
        self.connector.server.version = found.version
        self.connector.server.clock_offset = found.clock_offset
        if time.monotonic() - self._read_at > _SHORT_WALKS:
            self._next_walk = 0.0
        self._looks_at.append(0.0)
        self._is_probed = True

    def _walk(self) -> None:
        """Read all that waits, which finds what paused again meanwhile, too."""
        known = set(self._waiting().values_list("flow_run_id", "pause_state_id"))
        for page in self.connector.walk():
            news = [run for run in page if run.state and (run.id, run.state.id) not in known]
            self._settle_all(news)
        servers.record_walk(self._server_id)
        self._look()
        count = self._waiting().count()
        self._next_walk = time.monotonic() + (_SHORT_WALKS if count < _FEW else _WALKS)

    def _look(self) -> None:
        """Compare what waits here with what waits there."""
        started = time.monotonic()
        known = list(self._waiting().values_list("flow_run_id", flat=True).distinct())
        if len(known) <= _MOST_COMPARED:
            changes = self.connector.find_changes(known)
            self._settle_all(changes.new)
            for flow_run_id in changes.ended:
                self._settle(flow_run_id)
            close_vanished(self.connector, changes.gone, known=len(known))
            self._complete_forms()
        self._note_read()
        now = time.monotonic()
        every = _LOOKS_WITH_STREAM if self._is_streaming.is_set() else _LOOKS_WITHOUT
        later = [each for each in self._looks_at if each > now]
        self._looks_at = [*later, now + max(every, _SHARE * (now - started))]

    def _settle_all(self, runs: Iterable[wire.FlowRun]) -> None:
        """Settle many, no faster than a server likes, and take the hints that come meanwhile."""
        for number, run in enumerate(runs):
            self._settle(run.id, run=run, is_old=True)
            self._take_hints(wait=_BETWEEN if number >= _AT_ONCE else 0.0)
            self._renew()

    def _settle(
        self, flow_run_id: UUID, *, run: wire.FlowRun | None = None, is_old: bool = False
    ) -> wire.FlowRun | None:
        settled = settle(self.connector, flow_run_id, run=run)
        if settled.news and not is_old:
            offset = timedelta(seconds=self.connector.server.clock_offset)
            now = datetime.now(UTC) + offset
            self._fresh += [(now - state.timestamp).total_seconds() for state in settled.news]
        if any(state.type is StateType.PAUSED for state in settled.news):
            self._forms_at = min(self._forms_at, time.monotonic() + _FORM_ARRIVES)
        return settled.run

    def _take_hints(self, *, wait: float) -> None:
        """Settle the runs of which the stream has told, until it tells of no more."""
        while True:
            try:
                moved = self._hints.get(timeout=wait) if wait else self._hints.get_nowait()
            except queue.Empty:
                break
            wait = 0.0
            if moved.state_type == StateType.PAUSED or self._is_known(moved.flow_run_id):
                self._settle_moved(moved)
                self._note_read()
            if self._is_stopped:
                break

    def _settle_moved(self, moved: Moved) -> None:
        """Read a run until it is as the event says: an event is told before it is committed."""
        deadline = time.monotonic() + _BEHIND
        while True:
            run = self._settle(moved.flow_run_id)
            state = run.state if run else None
            if state is None or state.id == moved.state_id:
                return
            if state.timestamp > moved.occurred or time.monotonic() > deadline:
                return
            self._stop.wait(_ASKED_AGAIN)

    def _is_known(self, flow_run_id: UUID) -> bool:
        return self._waiting().filter(flow_run_id=flow_run_id).exists()

    def _waiting(self) -> QuerySet[Approval]:
        return Approval.objects.filter(
            connector=self.connector.name, outcome=Approval.Outcome.WAITING
        )

    def _complete_forms(self) -> None:
        """Read again what was not there yet when its approval opened."""
        self._forms_at = math.inf
        young = datetime.now(UTC) - timedelta(minutes=1)
        lacks = Q(snapshot__schema=None) | Q(snapshot__description=None, opened_at__gt=young)
        asked = self._waiting().filter(lacks, asks_for_input=True).select_related("snapshot")
        for approval in asked.order_by("snapshot__read_at")[:_FORMS]:
            keep_fields(approval, read_fields(self.connector, approval))

    def _note_read(self) -> None:
        """Say now and then that the server answers, and how fresh what came of it was."""
        now = time.monotonic()
        if now - self._read_at < _TOLD_EVERY:
            return
        self._read_at = now
        servers.record_read(self._server_id)
        if self._fresh:
            servers.record_freshness(self._server_id, seconds=self._fresh)
            self._fresh = []

    def _listen(self) -> None:
        """Hear the stream as long as this process has the lease, and open it again when it ends."""
        failures = 0
        while not self._is_stopped:
            if not self._has_lease.wait(timeout=1.0):
                continue
            try:
                self._hear()
                failures = 0
            except RemoteTrouble as trouble:
                failures += 1
                _log.info("The stream of %s: %s", self.connector.name, trouble.words)
            except Exception:  # noqa: BLE001 -- whatever it is, the next try comes
                failures += 1
                _log.exception("The stream of %s failed.", self.connector.name)
            if self._is_streaming.is_set():
                failures = 0
                self._is_streaming.clear()
                self._looks_at.append(0.0)
            servers.record_stream(self._server_id, since=None)
            close_old_connections()
            self._stop.wait(min(2.0**failures / 2, _LONGEST_PAUSE))
        connection.close()

    def _hear(self) -> None:
        def is_over() -> bool:
            return self._is_stopped or not self._has_lease.is_set()

        for moved in self.connector.watch(since=datetime.now(UTC), stopped=is_over):
            if not self._is_streaming.is_set():
                self._is_streaming.set()
                servers.record_stream(self._server_id, since=datetime.now(UTC))
                now = time.monotonic()
                self._looks_at += [now + seconds for seconds in _LOOKS_AFTER_OPENING]
            if moved is not None:
                self._hints.put(moved)
