from datetime import UTC, datetime, timedelta

import pytest

from flowruns.domain.states import (
    State,
    StateDetails,
    StateType,
    awaiting_retry,
    cancelled,
    failed,
    resuming,
    running,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENDS = {StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED}


def pause_until(deadline: datetime | None) -> State:
    return State(type=StateType.PAUSED, details=StateDetails(pause_timeout=deadline))


@pytest.mark.parametrize("kind", StateType)
def test_a_state_without_a_name_is_named_like_its_type(kind: StateType) -> None:
    assert State(type=kind).name.upper() == kind
    assert State(type=kind, name="Late").name == "Late"


@pytest.mark.parametrize("kind", StateType)
def test_four_types_end_a_run(kind: StateType) -> None:
    assert State(type=kind).is_terminal == (kind in ENDS)


def test_a_state_knows_when_it_was_made_in_utc() -> None:
    assert State(type=StateType.RUNNING).timestamp.utcoffset() == timedelta(0)


def test_a_pause_is_overdue_once_its_deadline_has_passed() -> None:
    assert pause_until(NOW - SECOND).has_timed_out(NOW)
    assert not pause_until(NOW).has_timed_out(NOW)
    assert not pause_until(NOW + SECOND).has_timed_out(NOW)


def test_a_pause_without_a_deadline_is_never_overdue() -> None:
    assert not pause_until(None).has_timed_out(NOW)


def test_only_pauses_are_overdue_suspended_or_ask_for_input() -> None:
    details = StateDetails(
        pause_timeout=NOW - SECOND, pause_reschedule=True, run_input_keyset={"schema": "s"}
    )
    pause = State(type=StateType.PAUSED, details=details)
    assert pause.has_timed_out(NOW)
    assert pause.is_suspended
    assert pause.asks_for_input
    scheduled = State(type=StateType.SCHEDULED, details=details)
    assert not scheduled.has_timed_out(NOW)
    assert not scheduled.is_suspended
    assert not scheduled.asks_for_input


def test_constructors_name_the_states_that_the_server_itself_writes() -> None:
    assert running(message="Go.").message == "Go."
    assert resuming(at=NOW).name == "Resuming"
    assert resuming(at=NOW).details.scheduled_time == NOW
    assert awaiting_retry(at=NOW).name == "AwaitingRetry"
    assert failed("It broke.").type is StateType.FAILED
    assert cancelled("No.").name == "Cancelled"
    assert cancelled("No.", name="Rejected").type is StateType.CANCELLED
