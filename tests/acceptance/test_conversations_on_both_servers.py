"""The conversations of `tests/dialect` with a real Prefect server and with ours.

The quick tests hold ours against what was recorded; here both are asked.
"""

import httpx
import pytest

from tests.dialect.calls import Conversation, walk_differences
from tests.dialect.differences import LISTED
from tests.dialect.talks import TALKS, read_recorded
from tests.recorders.prefect_answers import Patient

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(both_apis: tuple[httpx.Client, httpx.Client]) -> tuple[Patient, Patient]:
    theirs, ours = both_apis
    return Patient(theirs), Patient(ours)


@pytest.mark.parametrize("name", TALKS)
def test_both_servers_answer_the_same(name: str, both: tuple[Patient, Patient]) -> None:
    theirs, ours = (Conversation(server).hold(TALKS[name]) for server in both)
    assert theirs == read_recorded()[name], "Prefect answers otherwise than was recorded"
    assert set(walk_differences(theirs, ours)) == set(LISTED.get(name, {}))
