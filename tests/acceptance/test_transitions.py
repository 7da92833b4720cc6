"""Every pair of states over the wire, beside what a Prefect server answered."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.clients import connect
from tests.recorders.prefect_transitions import Recorder
from tests.servers import ApprovalsServer
from tests.unit.test_transition_table import (
    CASES,
    LISTED_IMPROVEMENTS,
    Case,
    make_transition,
    tell,
)

PAIRS = [case for case in CASES if case.given <= {"deployed"}]
_NOT_TOLD = {"from", "to", "given", "run", "due"}


@pytest.fixture
def api(our_server: ApprovalsServer) -> Iterator[httpx.Client]:
    with connect(our_server) as client:
        yield client


def expected_answer(case: Case) -> dict[str, Any]:
    """Return Prefect's answer, or ours where it is a listed improvement, without times."""
    listed = [improvement for improvement in LISTED_IMPROVEMENTS if improvement.covers(case)]
    transition = make_transition(case)
    answer = tell(listed[0].ours(transition), transition) if listed else case.outcome
    return {name: value for name, value in answer.items() if name != "due"}


def test_all_pairs_of_states_with_and_without_a_deployment(api: httpx.Client) -> None:
    recorder = Recorder(api)
    differing = {}
    for case in PAIRS:
        told = recorder.record((case.initial, case.proposed, tuple(case.given)))
        expected = expected_answer(case)
        ours = {name: told[name] for name in told.keys() - _NOT_TOLD}
        if ours != expected:
            differing[str(case)] = (ours, expected)
    assert differing == {}
    assert len(PAIRS) == 2 * 169
