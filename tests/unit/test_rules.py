"""What the rules say where the recorded table cannot: first states, edges of times, order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowruns.domain.rejections import rejected
from flowruns.domain.rules import FLOW_RUN_RULES, FORCED_RULES, Rule, judge
from flowruns.domain.states import State, StateDetails, StateType, cancelled, resuming, running
from flowruns.domain.transitions import Abort, Accept, Reject, RunFacts, Transition, Verdict, Wait

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEYSET = {"schema": "paused-1-schema", "response": "paused-1-response", "description": "d"}

RUNNING = State(type=StateType.RUNNING)
PAUSED = State(type=StateType.PAUSED, details=StateDetails(pause_timeout=NOW + HOUR))
SUSPENDED = replace(
    PAUSED, name="Suspended", details=replace(PAUSED.details, pause_reschedule=True)
)
ASKING = replace(PAUSED, details=replace(PAUSED.details, run_input_keyset=KEYSET))
_UUID = "5d1f2c0e-8a41-4b0c-9d52-5b7c1d0f3a11"
UNANSWERED = RunFacts(answer_accepted=False)
DEPLOYED = RunFacts(has_deployment=True)


def move(initial: State | None, proposed: State, run: RunFacts | None = None) -> Transition:
    return Transition(initial=initial, proposed=proposed, run=run or RunFacts(), now=NOW)


def overdue(pause: State) -> State:
    return replace(pause, details=replace(pause.details, pause_timeout=NOW - HOUR))


def scheduled(at: datetime | None) -> State:
    return State(type=StateType.SCHEDULED, details=StateDetails(scheduled_time=at))


def with_transition_id(state: State, transition_id: str | None) -> State:
    extra = {} if transition_id is None else {"transition_id": transition_id}
    return replace(state, details=replace(state.details, extra=extra))


@pytest.mark.parametrize("kind", [kind for kind in StateType if kind is not StateType.PAUSED])
def test_every_rule_lets_a_new_run_have_its_first_state(kind: StateType) -> None:
    first = move(None, State(type=kind))
    verdicts = {rule.__name__: rule(first) for rule in FLOW_RUN_RULES}
    assert {rule: verdict for rule, verdict in verdicts.items() if verdict} == {}


@pytest.mark.parametrize(("pause", "verb"), [(PAUSED, "pause"), (SUSPENDED, "suspend")])
def test_a_run_without_a_state_cannot_pause(pause: State, verb: str) -> None:
    assert judge(move(None, pause)) == Abort(f"Cannot {verb} flows with no state.")


def test_the_first_rule_that_speaks_decides() -> None:
    def say(verdict: Verdict | None) -> Rule:
        return lambda _: verdict

    verdict = judge(move(RUNNING, RUNNING), [say(None), say(Abort("first")), say(Abort("second"))])
    assert verdict == Abort("first")


def test_without_rules_everything_is_accepted() -> None:
    assert judge(move(PAUSED, RUNNING), []) == Accept(RUNNING)


def test_force_keeps_six_of_the_rules() -> None:
    assert set(FORCED_RULES) < set(FLOW_RUN_RULES)
    assert [rule.__name__ for rule in FORCED_RULES] == [
        "results_are_not_overwritten_by_nothing",
        "rejected_runs_stay_rejected",
        "runs_without_a_process_are_cancelled_at_once",
        "pauses_are_ended_by_who_may_resume",
        "pauses_are_named_by_who_runs_the_run",
        "guarded_pauses_wait_for_their_reviewers",
        "answers_come_before_going_on",
    ]


@pytest.mark.parametrize("policy", [FLOW_RUN_RULES, FORCED_RULES])
@pytest.mark.parametrize("going_on", [running(), resuming(at=NOW)])
def test_a_pause_that_asks_for_input_goes_on_only_with_an_answer(
    policy: tuple[Rule, ...], going_on: State
) -> None:
    refused = judge(move(ASKING, going_on, UNANSWERED), policy)
    assert refused == Reject("The flow run waits for an answer; use resume with run_input.")
    assert judge(move(ASKING, going_on, RunFacts()), policy) == Accept(going_on)


def test_a_pause_that_asks_for_nothing_goes_on_without_an_answer() -> None:
    assert judge(move(PAUSED, RUNNING, UNANSWERED)) == Accept(RUNNING)


@pytest.mark.parametrize("pause", [PAUSED, SUSPENDED, ASKING])
@pytest.mark.parametrize("policy", [FLOW_RUN_RULES, FORCED_RULES])
def test_a_reviewer_can_reject_any_pause_before_its_deadline(
    pause: State, policy: tuple[Rule, ...]
) -> None:
    no = cancelled("Rejected by alice: too much", name="Rejected")
    assert judge(move(pause, no, UNANSWERED), policy) == Accept(no)


def test_a_rejection_after_the_deadline_finds_the_run_failed() -> None:
    verdict = judge(move(overdue(PAUSED), cancelled("Rejected by alice: too late")))
    assert isinstance(verdict, Reject)
    assert verdict.state is not None
    assert verdict.state.type is StateType.FAILED
    assert verdict.state.message == "The flow was paused and never resumed."


@pytest.mark.parametrize("run", [RunFacts(), UNANSWERED])
def test_an_answer_after_the_deadline_comes_too_late(run: RunFacts) -> None:
    verdict = judge(move(overdue(ASKING), RUNNING, run))
    assert isinstance(verdict, Reject)
    assert verdict.reason == "The flow run pause has timed out and can no longer resume."


def test_a_process_that_waits_hears_of_its_cancelling_even_after_the_deadline() -> None:
    cancelling = State(type=StateType.CANCELLING)
    assert judge(move(overdue(PAUSED), cancelling)) == Accept(cancelling)


def test_a_state_put_in_place_of_another_carries_the_time_of_judging() -> None:
    late = judge(move(overdue(PAUSED), RUNNING))
    retry = judge(move(RUNNING, State(type=StateType.FAILED), RunFacts(retries=1)))
    skipped = judge(move(SUSPENDED, State(type=StateType.CANCELLING)))
    for verdict in (late, retry, skipped):
        assert isinstance(verdict, Reject)
        assert verdict.state is not None
        assert verdict.state.timestamp == NOW


@pytest.mark.parametrize(
    ("early", "delay"),
    [(0.4, None), (0.6, 1), (60.4, 60), (-5, None), (0, None)],
)
def test_a_start_more_than_half_a_second_early_waits(early: float, delay: int | None) -> None:
    verdict = judge(move(scheduled(NOW + timedelta(seconds=early)), RUNNING))
    expected = Accept(RUNNING) if delay is None else Wait(delay, "Scheduled time is in the future")
    assert verdict == expected


def test_a_run_that_is_due_at_no_particular_time_starts_at_once() -> None:
    assert judge(move(scheduled(None), RUNNING)) == Accept(RUNNING)


@pytest.mark.parametrize("asked", [None, NOW + 2 * HOUR])
def test_a_submitted_run_keeps_its_scheduled_time_unless_it_brings_one(
    asked: datetime | None,
) -> None:
    pending = State(type=StateType.PENDING, details=StateDetails(scheduled_time=asked))
    verdict = judge(move(scheduled(NOW + HOUR), pending))
    assert isinstance(verdict, Accept)
    assert verdict.state.details.scheduled_time == (asked or NOW + HOUR)
    assert verdict.state.id == pending.id


def test_a_step_of_the_submission_cannot_change_the_scheduled_time() -> None:
    pending = State(type=StateType.PENDING, details=StateDetails(scheduled_time=NOW + HOUR))
    step = State(type=StateType.PENDING, name="Submitting")
    verdict = judge(move(pending, step))
    assert isinstance(verdict, Accept)
    assert verdict.state.name == "Submitting"
    assert verdict.state.details.scheduled_time == NOW + HOUR


def test_a_submission_does_not_go_back_to_its_first_step() -> None:
    step = State(type=StateType.PENDING, name="Submitting")
    pending = State(type=StateType.PENDING)
    assert isinstance(judge(move(step, pending)), Abort)
    assert isinstance(judge(move(step, step)), Abort)


@pytest.mark.parametrize(("runs", "left"), [(1, True), (2, True), (3, False)])
def test_a_run_is_executed_once_more_than_it_has_retries(runs: int, left: bool) -> None:
    verdict = judge(
        move(RUNNING, State(type=StateType.FAILED), RunFacts(retries=2, run_count=runs))
    )
    assert isinstance(verdict, Reject if left else Accept)


def test_a_retry_tells_what_failed_and_when_it_goes_on() -> None:
    failure = State(type=StateType.FAILED, message="no disk", data={"type": "unpersisted"})
    verdict = judge(move(RUNNING, failure, RunFacts(retries=1, retry_delay=30)))
    assert isinstance(verdict, Reject)
    assert verdict.reason == "Retrying"
    retry = verdict.state
    assert retry is not None
    assert (retry.name, retry.message, retry.data) == ("AwaitingRetry", "no disk", failure.data)
    assert retry.details.scheduled_time == NOW + timedelta(seconds=30)


def test_a_run_without_retries_fails() -> None:
    failure = State(type=StateType.FAILED)
    assert judge(move(RUNNING, failure)) == Accept(failure)


@pytest.mark.parametrize(("first", "second", "repeated"), [
    ("a", "a", True), ("a", "b", False), ("a", None, False), (None, "a", False), (None, None, False)
])  # fmt: skip
def test_a_request_sent_twice_is_recognised_by_its_transition_id(
    first: str | None, second: str | None, repeated: bool
) -> None:
    verdict = judge(move(with_transition_id(RUNNING, first), with_transition_id(running(), second)))
    told = Reject("This run has already made this state transition.")
    assert (verdict == told) is repeated


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"type": "reference"}, True),
        ({"type": "unpersisted"}, False),
        ({}, False),
        (None, False),
        ("text", False),
        ([1], False),
    ],
)
def test_only_a_persisted_result_keeps_a_run_completed(data: object, kept: bool) -> None:
    completed = State(type=StateType.COMPLETED, data=data)
    expected = Reject("Run is already COMPLETED.") if kept else Accept(RUNNING)
    assert judge(move(completed, RUNNING)) == expected


def test_a_result_may_be_replaced_by_another_but_not_by_none() -> None:
    completed = State(type=StateType.COMPLETED, data={"type": "reference"})
    other = replace(completed, data={"type": "reference", "storage_key": "k"})
    assert judge(move(completed, other)) == Accept(other)
    for policy in (FLOW_RUN_RULES, FORCED_RULES):
        bare = State(type=StateType.COMPLETED)
        assert isinstance(judge(move(completed, bare), policy), Reject)


def test_a_pause_without_a_key_never_counts_as_fired() -> None:
    assert judge(move(RUNNING, PAUSED, RunFacts(pause_keys=frozenset({"1"})))) == Accept(PAUSED)


def test_a_pause_and_a_suspension_share_their_keys() -> None:
    again = replace(SUSPENDED, details=replace(SUSPENDED.details, pause_key="1"))
    run = replace(DEPLOYED, pause_keys=frozenset({"1"}))
    assert judge(move(RUNNING, again, run)) == Reject("This suspend has already fired.")


def test_a_child_run_is_not_suspended_even_with_a_deployment() -> None:
    run = replace(DEPLOYED, is_subflow=True)
    assert judge(move(RUNNING, SUSPENDED, run)) == Abort("Cannot suspend subflows.")


@pytest.mark.parametrize("end", [StateType.FAILED, StateType.CANCELLED])
def test_a_suspended_run_whose_deployment_is_gone_can_be_ended(end: StateType) -> None:
    proposed = State(type=end)
    assert judge(move(SUSPENDED, proposed)) == Accept(proposed)


@pytest.mark.parametrize("rules", [FLOW_RUN_RULES, FORCED_RULES])
def test_what_a_reviewer_rejected_stays_rejected(rules: Sequence[Rule]) -> None:
    no = rejected(reviewer="alice", reason="No receipt")
    for kind in (StateType.FAILED, StateType.CANCELLED, StateType.COMPLETED):
        verdict = judge(move(no, State(type=kind)), rules)
        assert verdict == Reject("A reviewer has rejected this flow run.")
    assert isinstance(judge(move(no, RUNNING), rules), Accept)
    assert isinstance(judge(move(cancelled(""), State(type=StateType.FAILED)), rules), Accept)


ONLY_ENDS = {StateType.FAILED, StateType.CANCELLED, StateType.CRASHED, StateType.CANCELLING}


@pytest.mark.parametrize("rules", [FLOW_RUN_RULES, FORCED_RULES])
@pytest.mark.parametrize("pause", [PAUSED, SUSPENDED, ASKING])
@pytest.mark.parametrize("kind", StateType)
def test_who_may_not_resume_only_ends_a_paused_run(
    kind: StateType, pause: State, rules: Sequence[Rule]
) -> None:
    proposed = State(type=kind)
    verdict = judge(replace(move(pause, proposed, DEPLOYED), may_resume=False), rules)
    ends = isinstance(verdict, Accept) or getattr(verdict, "state", None) is not None
    assert ends == (kind in ONLY_ENDS)


@pytest.mark.parametrize("rules", [FLOW_RUN_RULES, FORCED_RULES])
@pytest.mark.parametrize("end", sorted(ONLY_ENDS))
@pytest.mark.parametrize("kind", [StateType.RUNNING, StateType.SCHEDULED, StateType.PENDING])
def test_an_end_is_no_way_round_while_a_process_may_wait(
    kind: StateType, end: StateType, rules: Sequence[Rule]
) -> None:
    again = move(State(type=end), State(type=kind), replace(DEPLOYED, left_pause=PAUSED))
    assert not isinstance(judge(replace(again, may_resume=False), rules), Accept)


@pytest.mark.parametrize(
    "pause", [None, SUSPENDED, overdue(PAUSED)], ids=["none", "suspended", "overdue"]
)
def test_a_run_that_nobody_waits_for_is_started_again(pause: State | None) -> None:
    failed = State(type=StateType.FAILED)
    again = move(failed, RUNNING, replace(DEPLOYED, left_pause=pause))
    assert judge(replace(again, may_resume=False)) == Accept(RUNNING)


def test_a_flow_that_goes_on_without_its_answer_may_complete() -> None:
    completed = State(type=StateType.COMPLETED)
    late = move(State(type=StateType.FAILED), completed, RunFacts(left_pause=PAUSED))
    assert judge(replace(late, may_resume=False)) == Accept(completed)


@pytest.mark.parametrize("rules", [FLOW_RUN_RULES, FORCED_RULES])
@pytest.mark.parametrize(
    ("pause_key", "is_named"),
    [("1", True), ("approval", True), ("", True), (None, False), (_UUID, False)],
)
def test_who_does_not_run_the_run_gives_its_pauses_no_name(
    pause_key: str | None, is_named: bool, rules: Sequence[Rule]
) -> None:
    pause = replace(PAUSED, details=replace(PAUSED.details, pause_key=pause_key))
    foreign = move(RUNNING, pause, replace(DEPLOYED, is_run_by_another=True))
    verdict = judge(replace(foreign, may_resume=False), rules)
    assert isinstance(verdict, Reject) == is_named
    assert isinstance(judge(move(RUNNING, pause, DEPLOYED), rules), Accept)
