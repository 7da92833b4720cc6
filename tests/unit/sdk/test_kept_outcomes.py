"""What became of a run is kept: lists of states, the first failure, an author's error."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from flowruns import RunInput, State, flow, pause_flow_run, task
from flowruns.exceptions import FailedRun
from flowruns.sdk import storage
from flowruns.testing import FakeServer, reviewed_by


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("HOME", str(tmp_path))
    storage._open.cache_clear()
    with reviewed_by(lambda _: {"value": "yes"}) as fake:
        yield fake


class Refused(Exception):
    def __init__(self, order: int, reason: str) -> None:
        super().__init__(f"{order}: {reason}")


@task
def divide(number: int) -> float:
    return 1 / number


def test_several_states_are_kept_though_one_has_failed() -> None:
    @flow
    def dividing() -> list[State[float]]:
        return [divide(number, return_state=True) for number in (1, 0, 2)]

    state: State[Any] = dividing(return_state=True)
    assert (state.name, state.message) == ("Failed", "1/3 states failed.")
    kept = state.result(raise_on_failure=False)
    assert [each.name for each in kept] == ["Completed", "Failed", "Completed"]
    with pytest.raises(ZeroDivisionError):
        state.result()


def test_a_map_raises_its_first_failure_when_it_happens() -> None:
    may_end = threading.Event()

    @task
    def waiting(number: int) -> int:
        if number == 1:
            raise ValueError("the second")
        assert may_end.wait(60)
        return number

    @flow
    def mapping() -> None:
        try:
            waiting.map([0, 1]).result()
        finally:
            may_end.set()

    with pytest.raises(ValueError, match="the second"):
        mapping()


def _read_state(server: FakeServer) -> State[Any]:
    """Read the state of the run as another process does."""
    return State.model_validate(server.run.as_wire().model_dump()["state"])


def test_another_process_raises_what_the_author_raised(server: FakeServer) -> None:
    @flow(persist_result=True)
    def refusing() -> None:
        raise Refused(7, "late")

    with pytest.raises(Refused):
        refusing()
    with pytest.raises(Refused, match="7: late"):
        _read_state(server).result()


def test_where_that_cannot_be_read_the_message_says_it(server: FakeServer, tmp_path: Path) -> None:
    @flow
    def refusing() -> None:
        raise Refused(7, "late")

    with pytest.raises(Refused):
        refusing()
    with pytest.raises(FailedRun, match="7: late"):
        _read_state(server).result()


def test_an_error_of_a_library_is_raised_again(server: FakeServer) -> None:
    @flow(persist_result=True)
    def validating() -> None:
        Note.model_validate({"value": 7})

    with pytest.raises(ValidationError):
        validating()
    with pytest.raises(ValidationError, match="1 validation error for Note"):
        _read_state(server).result()


def test_an_error_that_cannot_be_stored_is_raised_all_the_same(server: FakeServer) -> None:
    @flow(persist_result=True)
    def refusing() -> None:
        error = ValueError("late")
        error.lock = threading.Lock()  # type: ignore[attr-defined]
        raise error

    with pytest.raises(ValueError, match="late"):
        refusing()
    with pytest.raises(FailedRun, match="late"):
        _read_state(server).result()


class Note(RunInput):
    value: str
    texts: list[str] = []
    raw: bytes = b""


@pytest.mark.parametrize(
    "initial",
    [
        {"value": "caf\udce9"},
        {"texts": ["caf\udce9", "nul\x00"]},
        {"raw": b"caf\xe9"},
        {"description": "caf\udce9\x00"},
    ],
)
def test_undecodable_initial_data_is_shown_with_replacements(
    initial: dict[str, Any], server: FakeServer
) -> None:
    @flow
    def noting() -> str:
        return pause_flow_run(Note.with_initial_data(**initial)).value

    assert noting() == "yes"
    (asked,) = server.asked
    shown = f"{asked.description} {asked.schema}"
    assert "caf?" in shown or "caf\N{REPLACEMENT CHARACTER}" in shown
