from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowruns.domain.bookkeeping import asks_again, facts_after
from flowruns.domain.rules import FLOW_RUN_RULES, FORCED_RULES, Rule, judge
from flowruns.domain.states import State, StateDetails, StateType, resuming
from flowruns.domain.transitions import Accept, Reject, RunFacts, Transition

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DEPLOYED = RunFacts(has_deployment=True)
KEYS = frozenset({"1", "2"})
ENDS = [StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED]


def state(kind: StateType, *, at: datetime = NOW, name: str = "") -> State:
    return State(type=kind, name=name, timestamp=at)


def pause(key: str | None = "1", *, at: datetime = NOW, reschedule: bool = False) -> State:
    details = StateDetails(pause_key=key, pause_reschedule=reschedule)
    return State(type=StateType.PAUSED, details=details, timestamp=at)


def scheduled(due: datetime | None, *, at: datetime = NOW) -> State:
    details = StateDetails(scheduled_time=due)
    return State(type=StateType.SCHEDULED, details=details, timestamp=at)


def step(initial: State | None, written: State, run: RunFacts | None = None) -> RunFacts:
    run = run or RunFacts()
    return facts_after(Transition(initial=initial, proposed=written, run=run, now=NOW), written)


def walk(*states: State, run: RunFacts, rules: tuple[Rule, ...] = FLOW_RUN_RULES) -> RunFacts:
    """Take a new run through `states` by the rules, each state as the rules left it."""
    current: State | None = None
    for proposed in states:
        transition = Transition(initial=current, proposed=proposed, run=run, now=NOW)
        verdict = judge(transition, rules)
        assert isinstance(verdict, Accept | Reject)
        assert verdict.state is not None, verdict
        current, run = verdict.state, facts_after(transition, verdict.state)
    return run


def test_every_start_counts_as_an_execution() -> None:
    run = walk(state(StateType.PENDING), state(StateType.RUNNING), run=RunFacts())
    assert run.run_count == 1
    assert step(state(StateType.RUNNING), state(StateType.RUNNING), run).run_count == 2


@pytest.mark.parametrize("rules", [FLOW_RUN_RULES, FORCED_RULES])
def test_blocking_pauses_use_up_no_retry(rules: tuple[Rule, ...]) -> None:
    running = state(StateType.RUNNING)
    run = walk(running, pause("1"), running, pause("2"), running, run=RunFacts(), rules=rules)
    assert run.run_count == 1
    assert not run.resuming


def test_a_run_with_one_retry_still_has_it_after_a_pause() -> None:
    running, failed = state(StateType.RUNNING), state(StateType.FAILED)
    run = walk(running, pause(), running, failed, run=RunFacts(retries=1))
    assert run.retry_type == "in_process"


def test_a_suspension_uses_up_no_retry_either() -> None:
    running, pending = state(StateType.RUNNING), state(StateType.PENDING)
    run = walk(running, pause(reschedule=True), resuming(at=NOW), pending, run=DEPLOYED)
    assert run.resuming
    run = step(pending, running, run)
    assert run.run_count == 1
    assert not run.resuming


@pytest.mark.parametrize("end", ENDS)
def test_a_run_that_ends_on_its_way_back_is_no_longer_resuming(end: StateType) -> None:
    assert not step(resuming(at=NOW), state(end), RunFacts(resuming=True)).resuming


def test_one_pause_in_place_of_another_is_no_way_back() -> None:
    assert not step(pause("1"), pause("2")).resuming


def test_a_pause_leaves_its_key() -> None:
    run = step(state(StateType.RUNNING), pause("2"), RunFacts(pause_keys=frozenset({"1"})))
    assert run.pause_keys == KEYS


def test_a_pause_without_a_key_leaves_none() -> None:
    assert step(state(StateType.RUNNING), pause(None)).pause_keys == frozenset()


def test_going_on_and_ending_keep_the_keys() -> None:
    run = RunFacts(pause_keys=KEYS)
    assert step(pause(), state(StateType.RUNNING), run).pause_keys == KEYS
    assert step(state(StateType.RUNNING), state(StateType.FAILED), run).pause_keys == KEYS


def test_a_retry_asks_again() -> None:
    running, failed = state(StateType.RUNNING), state(StateType.FAILED)
    before = RunFacts(retries=1, run_count=1, pause_keys=KEYS, resuming=True)
    transition = Transition(initial=running, proposed=failed, run=before, now=NOW)
    verdict = judge(transition)
    assert isinstance(verdict, Reject)
    assert verdict.state is not None
    after = facts_after(transition, verdict.state)
    assert (after.pause_keys, after.resuming) == (frozenset(), False)
    assert asks_again(transition, verdict.state)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("again", "retry_type"),
    [
        (StateType.SCHEDULED, "reschedule"),
        (StateType.PENDING, None),
        (StateType.RUNNING, None),
    ],
)
def test_a_run_that_starts_over_asks_again(
    end: StateType, again: StateType, retry_type: str | None
) -> None:
    before = RunFacts(pause_keys=KEYS, retry_type="in_process")
    after = step(state(end), state(again), before)
    assert (after.retry_type, after.pause_keys) == (retry_type, frozenset())
    transition = Transition(initial=state(end), proposed=state(again), run=before, now=NOW)
    assert asks_again(transition, state(again))


def test_an_ended_run_that_ends_otherwise_keeps_its_keys() -> None:
    before = RunFacts(pause_keys=KEYS)
    after = step(state(StateType.FAILED), state(StateType.CANCELLED), before)
    assert after.pause_keys == KEYS


def test_a_new_pause_clears_no_other() -> None:
    before = RunFacts(pause_keys=frozenset({"1"}))
    after = step(state(StateType.RUNNING), pause("2"), before)
    assert after.pause_keys == KEYS


def test_a_failure_for_good_forgets_how_the_last_retry_was_made() -> None:
    run = RunFacts(retries=0, run_count=1, retry_type="in_process")
    assert step(state(StateType.RUNNING), state(StateType.FAILED), run).retry_type is None
    assert step(pause(), state(StateType.RUNNING), run).retry_type == "in_process"


def test_the_first_start_and_the_first_end_are_kept() -> None:
    run = step(state(StateType.PENDING), state(StateType.RUNNING))
    assert run.start_time == NOW
    run = step(state(StateType.RUNNING), state(StateType.FAILED, at=NOW + MINUTE), run)
    assert (run.start_time, run.end_time) == (NOW, NOW + MINUTE)
    run = step(state(StateType.FAILED), state(StateType.CANCELLED, at=NOW + 2 * MINUTE), run)
    assert run.end_time == NOW + MINUTE


def test_a_run_that_starts_over_has_no_end_and_its_old_start() -> None:
    run = RunFacts(start_time=NOW - MINUTE, end_time=NOW)
    run = step(state(StateType.FAILED), state(StateType.RUNNING), run)
    assert (run.start_time, run.end_time) == (NOW - MINUTE, None)


def test_a_run_that_ends_before_it_starts_does_both_at_once() -> None:
    run = step(scheduled(NOW), state(StateType.CANCELLED))
    assert run.start_time == run.end_time == NOW


def test_only_running_takes_run_time() -> None:
    started, paused, resumed, ended = (NOW + n * MINUTE for n in range(4))
    running = state(StateType.RUNNING, at=started)
    run = step(running, pause(at=paused))
    run = step(pause(at=paused), state(StateType.RUNNING, at=resumed), run)
    assert run.total_run_time == MINUTE
    run = step(state(StateType.RUNNING, at=resumed), state(StateType.COMPLETED, at=ended), run)
    assert run.total_run_time == 2 * MINUTE


def test_run_time_never_shrinks() -> None:
    run = step(state(StateType.RUNNING, at=NOW + MINUTE), pause(at=NOW))
    assert run.total_run_time == timedelta(0)


def test_a_run_is_expected_when_it_was_first_scheduled() -> None:
    run = step(None, scheduled(NOW + MINUTE))
    assert run.expected_start_time == NOW + MINUTE
    assert step(scheduled(NOW), state(StateType.RUNNING), run).expected_start_time == NOW + MINUTE


@pytest.mark.parametrize("first", [scheduled(None), state(StateType.PENDING)])
def test_a_run_without_a_scheduled_time_is_expected_at_once(first: State) -> None:
    assert step(None, first).expected_start_time == NOW


def test_the_next_scheduled_start_is_known_while_the_run_is_scheduled() -> None:
    run = step(None, scheduled(NOW + MINUTE))
    assert run.next_scheduled_start_time == NOW + MINUTE
    run = step(scheduled(NOW + MINUTE), state(StateType.PENDING), run)
    assert run.next_scheduled_start_time is None


def test_what_states_do_not_change_stays_as_it_was() -> None:
    run = RunFacts(
        has_deployment=True,
        is_subflow=True,
        infrastructure_pid="4711",
        retries=3,
        retry_delay=5,
        answer_accepted=False,
    )
    after = step(state(StateType.PENDING), state(StateType.CANCELLING), run)
    assert after == replace(run, expected_start_time=NOW)
