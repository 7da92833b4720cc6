"""The conversations of `tests/dialect` with a real Prefect server and with ours.

The quick tests hold ours against what was recorded; here both are asked.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.dialect.calls import Conversation, walk_differences
from tests.dialect.differences import LISTED
from tests.dialect.talks import TALKS, read_recorded
from tests.recorders.prefect_answers import Patient
from tests.servers import approvals_server, prefect_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Patient, Patient]]:
    with prefect_server() as theirs, approvals_server() as ours:
        key = {"Authorization": f"Bearer {ours.api_key}"}
        fresh = httpx.Limits(max_keepalive_connections=0)  # Prefect drops one after its 500s
        with (
            httpx.Client(base_url=theirs.api_url, timeout=60, limits=fresh) as their_client,
            httpx.Client(base_url=ours.api_url, timeout=60, headers=key) as our_client,
        ):
            yield Patient(their_client), Patient(our_client)


@pytest.mark.parametrize("name", TALKS)
def test_both_servers_answer_the_same(name: str, both: tuple[Patient, Patient]) -> None:
    theirs, ours = (Conversation(server).hold(TALKS[name]) for server in both)
    assert theirs == read_recorded()[name], "Prefect answers otherwise than was recorded"
    assert set(walk_differences(theirs, ours)) == set(LISTED.get(name, {}))
