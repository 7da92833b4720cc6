"""When a deployment's limit holds a run back, and in which states the run counts against it."""

from dataclasses import replace

import pytest

from flowruns.domain.bookkeeping import occupies_slot
from flowruns.domain.rules import SLOT_WAIT, judge
from flowruns.domain.states import TERMINAL_STATES, State, StateDetails, StateType
from flowruns.domain.transitions import Abort, Accept, Reject, RunFacts, SlotFacts, Transition
from tests.unit.test_rules import ASKING, NOW, PAUSED, RUNNING, SUSPENDED, scheduled

TAKEN = RunFacts(has_deployment=True, slot=SlotFacts(limit=1))
FREE = replace(TAKEN, slot=SlotFacts(limit=1, is_free=True))
HELD = replace(TAKEN, slot=SlotFacts(limit=1, is_held=True))
PENDING = State(type=StateType.PENDING)
DUE = scheduled(NOW)
ENDED = State(type=StateType.FAILED)


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, State) else None


def move(initial: State | None, proposed: State, run: RunFacts) -> Transition:
    return Transition(initial=initial, proposed=proposed, run=run, now=NOW)


@pytest.mark.parametrize("initial", [None, DUE, ENDED], ids=name_of)
def test_a_start_that_finds_no_slot_is_queued_or_cancelled(initial: State | None) -> None:
    queued = judge(move(initial, PENDING, TAKEN))
    assert isinstance(queued, Reject)
    assert queued.state is not None
    assert queued.state.name == "AwaitingConcurrencySlot"
    assert queued.state.details.scheduled_time == NOW + SLOT_WAIT
    cancels = replace(TAKEN, slot=SlotFacts(limit=1, cancels_new=True))
    cancelled = judge(move(initial, PENDING, cancels))
    assert isinstance(cancelled, Reject)
    assert cancelled.state is not None
    assert cancelled.state.type is StateType.CANCELLED


@pytest.mark.parametrize(
    "run", [FREE, HELD, RunFacts(has_deployment=True)], ids=["free", "held", "no limit"]
)
@pytest.mark.parametrize("proposed", [PENDING, RUNNING], ids=name_of)
def test_with_a_slot_or_no_limit_a_run_starts(run: RunFacts, proposed: State) -> None:
    assert isinstance(judge(move(DUE, proposed, run)), Accept)


@pytest.mark.parametrize("run", [TAKEN, FREE], ids=["taken", "free"])
def test_nothing_starts_under_a_limit_of_none(run: RunFacts) -> None:
    none = replace(run, slot=replace(run.slot or SlotFacts(limit=0), limit=0))
    assert isinstance(judge(move(DUE, PENDING, none)), Abort)


def test_a_limit_never_stops_a_run_that_a_process_runs() -> None:
    """One that began before its deployment got the limit, say."""
    assert judge(move(PAUSED, RUNNING, TAKEN)) == Accept(RUNNING)
    assert judge(move(RUNNING, RUNNING, TAKEN)) == Accept(RUNNING)
    submitting = State(type=StateType.PENDING, name="Submitting")
    assert isinstance(judge(move(PENDING, submitting, TAKEN)), Accept)


def test_an_unanswered_pause_is_judged_before_the_limit() -> None:
    asking = replace(ASKING, details=replace(ASKING.details, pause_reschedule=True))
    for proposed in (PENDING, RUNNING):
        verdict = judge(move(asking, proposed, replace(TAKEN, answer_accepted=False)))
        assert isinstance(verdict, Reject)
        assert verdict.state is None


@pytest.mark.parametrize(
    ("state", "occupies"),
    [
        *((State(type=kind), False) for kind in sorted(TERMINAL_STATES)),
        *((kind, True) for kind in (PENDING, RUNNING, State(type=StateType.CANCELLING))),
        (DUE, False),
        (PAUSED, True),
        (SUSPENDED, False),
        (replace(PAUSED, details=StateDetails()), True),
    ],
    ids=name_of,
)
def test_a_run_occupies_its_slot_while_a_process_is_there_for_it(
    state: State, occupies: bool
) -> None:
    assert occupies_slot(move(RUNNING, state, HELD), state) is occupies


def test_a_retry_in_the_same_process_keeps_the_slot() -> None:
    retried = judge(move(RUNNING, ENDED, replace(HELD, retries=1, run_count=1)))
    assert isinstance(retried, Reject)
    assert retried.state is not None
    assert occupies_slot(move(RUNNING, ENDED, HELD), retried.state)
