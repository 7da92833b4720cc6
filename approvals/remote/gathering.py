"""Gathering: what settling needs of runs, read of many at once, ahead of who writes it."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from uuid import UUID

from approvals.models import Approval
from flowruns import wire
from flowruns.connectors import PauseForm, PrefectConnector
from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.connectors.prefect.outcomes import MovedOn, Surroundings
from flowruns.domain.states import StateType

# As many requests at a time, so that a server that is slow is asked less
_READERS = 4
_TOGETHER = 200
# So many are written in one transaction, which others on SQLite wait for
_MOST_AT_ONCE = 50
# So long after its pause a question is waited for
_ARRIVES = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the pause of a run asks, as far as that is there, and what the run belongs to."""

    run: wire.FlowRun
    pause: wire.State
    form: PauseForm
    surroundings: Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A run as it is on its server, with the question that is new and the pauses that are over."""

    run: wire.FlowRun
    question: Question | None
    endings: Mapping[UUID, MovedOn]


def gather(connector: PrefectConnector, runs: Sequence[wire.FlowRun]) -> Iterator[list[Gathered]]:
    """Yield the runs in their order, with what is not known of them; raises `RemoteTrouble`.

    Those come together that are read by the time somebody asks for more, so that much is written
    at once, and nothing waits for what is slow to come.
    """
    for some in batched(runs, _TOGETHER):
        yield from _gather_page(connector, some)


def find_pause(run: wire.FlowRun) -> wire.State | None:
    """Return the pause that a run is in."""
    return run.state if run.state and run.state.type is StateType.PAUSED else None


def _gather_page(
    connector: PrefectConnector, runs: Sequence[wire.FlowRun]
) -> Iterator[list[Gathered]]:
    known, waiting = _list_pauses(connector, runs)
    new = [run for run in runs if (pause := find_pause(run)) and pause.id not in known]
    surroundings = connector.read_surroundings(new) if new else {}
    with ThreadPoolExecutor(_READERS, f"asking {connector.name}") as readers:
        asked = [
            readers.submit(_read, connector, run, waiting[run.id], surroundings.get(run.id))
            for run in runs
        ]
        ready: list[Gathered] = []
        try:
            for run, gathered in zip(runs, asked, strict=True):
                if ready and (len(ready) == _MOST_AT_ONCE or not gathered.done()):
                    yield ready
                    ready = []
                try:
                    ready.append(gathered.result())
                except RemoteFault as fault:  # one odd run keeps no other from being settled
                    _log.warning("Left out the run %s: %s", run.id, fault.words)
            if ready:
                yield ready
        finally:
            readers.shutdown(cancel_futures=True)


def _list_pauses(
    connector: PrefectConnector, runs: Sequence[wire.FlowRun]
) -> tuple[set[UUID], Mapping[UUID, Sequence[UUID]]]:
    """Return the pauses that have approvals here, and by run those that still wait."""
    of_runs = Approval.objects.filter(
        connector=connector.name, flow_run_id__in=[r.id for r in runs]
    )
    known: set[UUID] = set()
    waiting: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for run_id, pause_id, outcome in of_runs.values_list(
        "flow_run_id", "pause_state_id", "outcome"
    ):
        known.add(pause_id)
        if outcome == Approval.Outcome.WAITING:
            waiting[run_id].append(pause_id)
    return known, waiting


def _read(
    connector: PrefectConnector,
    run: wire.FlowRun,
    waiting: Sequence[UUID],
    surroundings: Surroundings | None,
) -> Gathered:
    pause, question = find_pause(run), None
    if pause and surroundings:
        form = connector.read_pause(run, patience=_find_patience(connector, pause))
        question = Question(run=run, pause=pause, form=form, surroundings=surroundings)
    over = [pause_id for pause_id in waiting if pause is None or pause_id != pause.id]
    endings = {pause_id: connector.find_ending(run.id, pause_id) for pause_id in over}
    return Gathered(run=run, question=question, endings=endings)


def _find_patience(connector: PrefectConnector, pause: wire.State) -> float:
    """Return how long a question is waited for that may be on its way."""
    age = (datetime.now(UTC) - pause.timestamp).total_seconds() + connector.server.clock_offset
    return min(_ARRIVES, _ARRIVES - age)
