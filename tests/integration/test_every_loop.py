"""Rules that hold for each background loop, also for one that is made tomorrow."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

LOOPS = sorted(settings.BACKGROUND_LOOPS)
_WRITES = {"DELETE", "INSERT", "UPDATE"}
# A round of a loop that has nothing to do asks that often, and a few times for its lists
_MOST_QUESTIONS = 6


def read_service(name: str) -> Callable[[], object]:
    service: Callable[[], object] = import_string(name)
    return service


@pytest.mark.django_db
@pytest.mark.parametrize("name", LOOPS)
def test_a_round_that_finds_nothing_writes_nothing_and_asks_little(name: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        read_service(name)()
    asked_for = [query["sql"] for query in asked]
    assert [sql for sql in asked_for if sql.split()[0] in _WRITES] == []
    assert len(asked_for) <= _MOST_QUESTIONS


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_says_what_it_does(name: str) -> None:
    assert read_service(name).__doc__
