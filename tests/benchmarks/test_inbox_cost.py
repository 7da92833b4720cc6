"""What an inbox costs with 10,000 waiting under 50 policies of 200 people, and many that ended.

`pytest tests/benchmarks/test_inbox_cost.py -s` prints the times. Machines differ, so only the
number of queries and the way to their rows are held to something.
"""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.services.facets import list_choices
from approvals.services.filters import Due, InboxFilters, Sort, Which
from approvals.services.inbox import count_waiting, read_inbox
from tests.benchmarks.crowded_inbox import fill_inbox
from tests.integration.pages import log_in

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.usefixtures("_collects_as_served"),
]

WAITING = 10_000
ENDED = 3_000
CHOICES = [
    InboxFilters(),
    InboxFilters(which=Which.ALL, sort=Sort.NEWEST),
    InboxFilters(which=Which.ANSWERED),
    InboxFilters(tag="tag-3", policy="policy-3", flow="flow-3"),
    InboxFilters(which=Which.ALL, by_flow=True, due=Due.DAY),
    InboxFilters(is_neglected=True),
    InboxFilters(text="customer", which=Which.ALL),
]
PAGES = ["/", "/?list=all&tag=eu&group=flow", "/inbox/list/", "/inbox/count/"]


def test_a_crowded_inbox_asks_as_much_as_a_quiet_one_and_reads_by_indexes() -> None:
    reader = fill_inbox(300)
    quiet = {chosen: len([*ask_for(reader, chosen)]) for chosen in CHOICES}
    fill_inbox(WAITING, ended=ENDED)
    tell_times(log_in(reader.username))
    crowded = {chosen: [*ask_for(reader, chosen)] for chosen in CHOICES}
    assert {chosen: len(queries) for chosen, queries in crowded.items()} == quiet
    assert [plan for queries in crowded.values() for plan in find_scans(queries)] == []


def ask_for(reader: User, chosen: InboxFilters) -> Iterator[str]:
    """Yield the queries of an inbox for somebody whose permissions are not looked up yet."""
    reader = User.objects.get(pk=reader.pk)
    with CaptureQueriesContext(connection) as queries:
        read_inbox(reader, chosen)
        list_choices(reader)
        count_waiting(reader)
    yield from (query["sql"] for query in queries)


def find_scans(queries: list[str]) -> Iterator[str]:
    """Yield what reads a whole table; `names` and `waiting` are what the statement has read."""
    for sql in queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            steps = [row[3] for row in cursor.fetchall()]
        for step in steps:
            if re.match(r"SCAN (?!CONSTANT|names|waiting)", step) and "INDEX" not in step:
                yield f"{step}: {sql[:500]}"


def tell_times(client: Client) -> None:
    for path in PAGES:
        milliseconds = min(take_time(lambda path=path: client.get(path)) for _ in range(5)) * 1000  # type: ignore[misc]
        print(f"{path:<32} {milliseconds:6.1f} ms of processor time")


def take_time(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
