"""A pause and its answer are three writes, of one transaction and few statements each."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.integration.conftest import Run

# What PostgreSQL adds: a notification of waiters, and one of those who listen for events
_TOLD = 4


def count(write: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as asked:
        write()
    return len(asked)


def test_a_pause_and_its_answer_take_few_statements(run: Run) -> None:
    run.pause_for_input(key="0")
    run.resume({"approve": True})
    keyset = {part: f"1-{part}" for part in ("schema", "description", "response")}
    schema = '{"type": "object", "properties": {"approve": {"type": "boolean"}}}'
    assert count(lambda: run.put("1-schema", schema)) <= 6
    assert count(lambda: run.pause("1", seconds=60, run_input_keyset=keyset)) <= 13 + _TOLD
    assert count(lambda: run.resume({"approve": True})) <= 17 + _TOLD
