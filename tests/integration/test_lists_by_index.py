"""The lists of the inbox never read all votes and seats: a year's decisions must not slow them."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from approvals.models import Approval
from approvals.services.filters import Which
from approvals.services.lists import choose_lists

pytestmark = pytest.mark.django_db


def explain(chosen: Which) -> str:
    """Say how the database would read a list of somebody who stands in for nobody."""
    reader = User.objects.create(username="alice")
    reader.groups.add(Group.objects.create(name="finance"))
    waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # which reads the whole of a small table by choice
            cursor.execute("SET LOCAL enable_seqscan = off")
        return waiting.filter(choose_lists(reader)[chosen]).order_by().explain()


@pytest.mark.parametrize("chosen", list(Which))
def test_no_list_reads_all_votes_or_seats(chosen: Which) -> None:
    plan = explain(chosen)
    for table in ("vote", "seat", "asker", "putoff"):
        assert f"SCAN {table}" not in plan
        assert f"Seq Scan on approvals_{table}" not in plan
    assert "vote" in plan or chosen is Which.FOR_ME
