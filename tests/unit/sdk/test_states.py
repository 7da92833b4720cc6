"""States as flows see them."""

from typing import Any

import pytest

from flowruns import State, StateType
from flowruns.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    UnfinishedRun,
)
from flowruns.sdk.states import completed, printable

QUESTIONS = {
    StateType.SCHEDULED: "is_scheduled",
    StateType.PENDING: "is_pending",
    StateType.RUNNING: "is_running",
    StateType.PAUSED: "is_paused",
    StateType.COMPLETED: "is_completed",
    StateType.FAILED: "is_failed",
    StateType.CRASHED: "is_crashed",
    StateType.CANCELLED: "is_cancelled",
    StateType.CANCELLING: "is_cancelling",
}


@pytest.mark.parametrize("kind", StateType)
def test_each_question_is_true_of_its_own_type_only(kind: StateType) -> None:
    state: State[Any] = State(type=kind)
    assert {name for name in QUESTIONS.values() if getattr(state, name)()} == {QUESTIONS[kind]}
    assert state.name == kind.value.capitalize()


def test_only_ends_are_final() -> None:
    final = {kind for kind in StateType if State(type=kind).is_final()}
    assert final == {
        StateType.COMPLETED,
        StateType.FAILED,
        StateType.CRASHED,
        StateType.CANCELLED,
    }


def test_a_result_is_there_where_the_run_was() -> None:
    assert completed(None).result() is None
    assert completed(3).result() == 3
    with pytest.raises(MissingResult):
        State(type=StateType.COMPLETED).result()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (StateType.FAILED, FailedRun),
        (StateType.CRASHED, CrashedRun),
        (StateType.CANCELLED, CancelledRun),
        (StateType.PAUSED, PausedRun),
        (StateType.RUNNING, UnfinishedRun),
    ],
)
def test_without_a_result_it_is_said_why(kind: StateType, error: type[Exception]) -> None:
    with pytest.raises(error):
        State(type=kind, message="because").result()


def test_the_runs_own_exception_is_raised_or_returned() -> None:
    state: State[Any] = State(type=StateType.FAILED, data=ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        state.result()
    assert isinstance(state.result(raise_on_failure=False), ValueError)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (State(type=StateType.COMPLETED), "Completed()"),
        (State(type=StateType.FAILED, message="no"), "Failed('no')"),
        (State(type=StateType.CANCELLED, name="Rejected"), "Rejected(type=CANCELLED)"),
    ],
)
def test_a_state_reads_like_prefects(state: State[Any], text: str) -> None:
    assert str(state) == text


def test_texts_are_made_fit_for_every_database() -> None:
    assert printable("a\x00b") == "a�b"
    assert printable("\ud800") == "?"
    assert len(printable("x" * 100_000)) == 50_000
