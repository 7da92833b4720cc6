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
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from os import getpid
from uuid import UUID

from django.db import close_old_connections, connection
from django.db.models import Q, QuerySet

from approvals.models import Approval
from approvals.remote.gathering import gather
from approvals.remote.settling import Settled, settle, settle_gathered
from approvals.remote.snapshots import keep_fields, read_form_fields
from approvals.remote.vanishing import close_vanished
from flowruns import wire
from flowruns.connectors import PrefectConnector, list_remote_connectors, servers
from flowruns.connectors.prefect.errors import Busy, RemoteTrouble
from flowruns.connectors.prefect.outcomes import Moved
from flowruns.domain.states import StateType
from flowruns.wire import PAGE_LIMIT

_LEASE = timedelta(seconds=30)
_RENEWED_EVERY = 10.0  # seconds, as all that follows
_LOOKS_WITH_STREAM = 12.0
_LOOKS_WITHOUT = 4.0
# Where much waits, comparing may cost a server one part of twenty of its time
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


class _LeaseLost(Exception):
    """Another process looks after the server by now."""


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
            except _LeaseLost:  # another process follows; what was read is not written any more
                pause = _LOOKS_WITHOUT
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

    def _keep_lease(self) -> None:
        """Prolong the lease in the middle of work; raises `_LeaseLost` where another has it."""
        if self._has_lease.is_set() and not self._renew():
            raise _LeaseLost

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
            self._keep_lease()
            news = [run for run in page if run.state and (run.id, run.state.id) not in known]
            self._settle_all(news, is_hint=False)
        servers.record_walk(self._server_id)
        self._look()
        count = self._waiting().count()
        self._next_walk = time.monotonic() + (_SHORT_WALKS if count <= _FEW else _WALKS)

    def _look(self) -> None:
        """Compare what waits here with what waits there."""
        started, took = time.monotonic(), 0.0
        known = list(self._waiting().values_list("flow_run_id", flat=True).distinct())
        if len(known) <= _MOST_COMPARED:
            changes = self.connector.find_changes(known)
            took = time.monotonic() - started
            self._settle_all([*changes.new, *changes.ended], is_hint=False)
            self._keep_lease()
            close_vanished(self.connector, changes.gone, known=len(known))
            self._complete_forms()
        self._note_read()
        now = time.monotonic()
        every = _LOOKS_WITH_STREAM if self._is_streaming.is_set() else _LOOKS_WITHOUT
        later = [each for each in self._looks_at if each > now]
        if len(known) > _FEW:  # else an event that is lost would be found too late
            every = max(every, _SHARE * took)
        # From its start: what a look has found may take long to be settled
        self._looks_at = [*later, max(started + every, now + took)]

    def _settle_all(self, runs: Sequence[wire.FlowRun], *, is_hint: bool) -> None:
        """Settle many; where these are no hints themselves, take the hints that come meanwhile."""
        for gathered in gather(self.connector, runs):
            self._keep_lease()
            for settled in settle_gathered(self.connector, gathered):
                self._note_settled(settled, is_hint=is_hint)
            if not is_hint:
                self._take_hints(wait=0.0)

    def _note_settled(self, settled: Settled, *, is_hint: bool) -> None:
        if is_hint:
            offset = timedelta(seconds=self.connector.server.clock_offset)
            now = datetime.now(UTC) + offset
            self._fresh += [(now - state.timestamp).total_seconds() for state in settled.news]
        if any(state.type is StateType.PAUSED for state in settled.news):
            self._forms_at = min(self._forms_at, time.monotonic() + _FORM_ARRIVES)

    def _take_hints(self, *, wait: float) -> None:
        """Settle the runs of which the stream has told, until it tells of no more."""
        while moves := self._next_hints(wait=wait):
            wait = 0.0
            known = set(self._list_known({move.flow_run_id for move in moves}))
            wanted = [
                move
                for move in moves
                if move.state_type == StateType.PAUSED or move.flow_run_id in known
            ]
            if wanted:
                self._settle_moves(wanted)
                self._note_read()
            if self._is_stopped:
                break

    def _next_hints(self, *, wait: float) -> list[Moved]:
        """Return the last hint of each run that has come by now, no more than one request reads."""
        moves: dict[UUID, Moved] = {}
        try:
            while len(moves) < PAGE_LIMIT:
                blocks = bool(wait) and not moves
                moved = self._hints.get(blocks, timeout=wait if blocks else None)
                moves.pop(moved.flow_run_id, None)
                moves[moved.flow_run_id] = moved
        except queue.Empty:
            pass
        return list(moves.values())

    def _settle_moves(self, moves: Sequence[Moved]) -> None:
        """Read many runs at once, and those alone that are not yet as their events say."""
        found = self.connector.read_flow_runs([m.flow_run_id for m in moves]) if moves[1:] else {}
        runs = [found[m.flow_run_id] for m in moves if _is_as_told(found.get(m.flow_run_id), m)]
        self._settle_all(runs, is_hint=True)
        settled = {run.id for run in runs}
        for move in moves:
            if move.flow_run_id not in settled:
                self._settle_moved(move)

    def _settle_moved(self, moved: Moved) -> None:
        """Read a run until it is as the event says: an event is told before it is committed."""
        deadline = time.monotonic() + _BEHIND
        while True:
            settled = settle(self.connector, moved.flow_run_id)
            self._note_settled(settled, is_hint=True)
            if settled.run is None or _is_as_told(settled.run, moved):
                return
            if time.monotonic() > deadline:
                return
            self._stop.wait(_ASKED_AGAIN)

    def _list_known(self, flow_run_ids: Collection[UUID]) -> Iterable[UUID]:
        known = self._waiting().filter(flow_run_id__in=flow_run_ids)
        return known.values_list("flow_run_id", flat=True)

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
            keep_fields(approval, read_form_fields(self.connector, approval))

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


def _is_as_told(run: wire.FlowRun | None, moved: Moved) -> bool:
    """Whether a run is in the state of an event, or in a later one."""
    state = run.state if run else None
    return state is not None and (state.id == moved.state_id or state.timestamp > moved.occurred)
