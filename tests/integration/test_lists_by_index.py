"""No list reads all rows of a table: a year of runs and decisions must not slow it."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import QuerySet

from approvals.models import Approval
from approvals.services.filters import Which
from approvals.services.history import HistoryFilters, list_history
from approvals.services.lists import choose_lists
from flowruns.domain.ids import new_id
from flowruns.services.queries import select_flow_runs
from flowruns.wire.queries import FlowRunQuery, FlowRunSort

pytestmark = pytest.mark.django_db


def explain(rows: QuerySet[Any]) -> str:
    """Say how the database would read rows of tables that have many."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which takes a small table as it is by choice
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        return rows.explain()


def find_reader() -> User:
    """Return somebody who stands in for nobody."""
    reader = User.objects.create(username="alice")
    reader.groups.add(Group.objects.create(name="finance"))
    return reader


@pytest.mark.parametrize("chosen", list(Which))
def test_no_list_reads_all_votes_or_seats(chosen: Which) -> None:
    waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING)
    plan = explain(waiting.filter(choose_lists(find_reader())[chosen].as_q()).order_by())
    for table in ("vote", "seat", "asker", "putoff"):
        assert f"SCAN {table}" not in plan
        assert f"Seq Scan on approvals_{table}" not in plan
    assert "vote" in plan or chosen is Which.FOR_ME


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (HistoryFilters(), "approval_closed"),
        (HistoryFilters(outcome="rejected"), "approval_closed"),
        (HistoryFilters(since=datetime(2026, 10, 1, tzinfo=UTC)), "approval_closed"),
        (HistoryFilters(flow="refund"), "approval_closed_of_flow"),
        (HistoryFilters(flow="refund", outcome="rejected"), "approval_closed_of_flow"),
        (HistoryFilters(person="reviewer:bob"), "decision_by_name"),
    ],
)
@pytest.mark.parametrize("is_further", [False, True])
def test_the_history_is_read_in_the_order_of_an_index(
    filters: HistoryFilters, index: str, *, is_further: bool
) -> None:
    before = (datetime(2026, 11, 1, tzinfo=UTC), new_id()) if is_further else None
    plan = explain(list_history(find_reader(), filters, before=before)[:51])
    assert re.search(rf"{index}\b", plan)
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("sort", [FlowRunSort.START_TIME_DESC, FlowRunSort.START_TIME_ASC])
def test_runs_are_read_in_the_order_of_an_index_from_the_newest_or_the_oldest(
    sort: FlowRunSort,
) -> None:
    plan = explain(select_flow_runs(FlowRunQuery(sort=sort)))
    assert "flow_run_by_start" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
