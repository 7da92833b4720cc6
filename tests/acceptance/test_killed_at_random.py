"""A few rounds of the suite of faults, as `python -m tests.faults` has many."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.faults.desks import Desk, postgresql_desk, sqlite_desk
from tests.faults.kills import kill_at_random
from tests.faults.races import race

pytestmark = pytest.mark.slow

type MakeDesk = Callable[..., AbstractContextManager[Desk]]


@pytest.mark.parametrize("desk_of", [sqlite_desk, postgresql_desk], ids=["sqlite", "postgresql"])
def test_nothing_is_lost_when_processes_are_killed_at_random(desk_of: MakeDesk) -> None:
    with desk_of(UNDO_SECONDS="2") as desk:
        rows = kill_at_random(desk, rounds=6, seed=7)
    assert [sentence for row in rows for sentence in row.wrong] == []


def test_of_all_ends_at_once_one_comes_about() -> None:
    with sqlite_desk() as desk:
        rows = race(desk, rounds=8, seed=7)
    assert [sentence for row in rows for sentence in row.wrong] == []
