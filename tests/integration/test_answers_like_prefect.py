"""Conversations in which Prefect 3.9.1's answers were recorded: ours are the same.

A difference is either listed here with its reason, or it fails; so does a listed one that is gone.
"""

import pytest

from tests.dialect.calls import Conversation, walk_differences
from tests.dialect.differences import LISTED
from tests.dialect.talks import TALKS, read_recorded
from tests.integration.conftest import Api


@pytest.mark.parametrize("name", TALKS)
def test_answers_are_those_of_prefect(name: str, api: Api) -> None:
    theirs = read_recorded()[name]
    ours = Conversation(api.request).hold(TALKS[name])
    listed = LISTED.get(name, {})
    different = set(walk_differences(theirs, ours))
    wrong = {call: (theirs[call], ours[call]) for call in sorted(different - set(listed))}
    assert wrong == {}
    assert different == set(listed), "no longer different: take it out of LISTED"
