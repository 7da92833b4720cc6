"""How much waits in each list of the inbox, and of each flow, counted in one walk."""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, Q, QuerySet, Value

from approvals.models import Approval
from approvals.services.filters import InboxFilters, Which, as_case
from approvals.services.lists import Lists

# Each rule is looked at once an approval, however often it is counted by: with a limit, which
# nothing reaches, databases do not write a rule where it is used, and keep no table of what waits
_COUNT = "SELECT {flow}, {sums} FROM ({waiting} LIMIT 9223372036854775807) waiting"
_BY_FLOW = " GROUP BY flow_name ORDER BY flow_name"
_SUMS = "COUNT(*) FILTER (WHERE is_{0} AND passes), COUNT(*) FILTER (WHERE is_{0})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`passing` is what of each list passes the filters, `totals` what is in each in all.

    `in_flow` is what passes of each flow in the list that is looked at, where it is grouped by
    flow, in their order.
    """

    passing: dict[Which, int]
    totals: dict[Which, int]
    in_flow: dict[str, int]

    def find_flows(self, start: int, stop: int) -> tuple[list[str], int]:
        """Return whose rows stand between two places, and how many stand before the first flow."""
        flows, before, place = [], 0, 0
        for flow, count in self.in_flow.items():
            if place + count <= start:
                before += count
            elif place < stop:
                flows.append(flow)
            place += count
        return flows, before


def count_lists(waiting: QuerySet[Approval], lists: Lists, filters: InboxFilters) -> Counts:
    """Count what waits in each list."""
    of_flows = _walk(waiting, lists, filters)
    sums = [sum(column) for column in zip(*of_flows.values(), strict=True)] or [0] * 2 * len(lists)
    shown = 2 * list(lists).index(filters.which)
    return Counts(
        passing=dict(zip(lists, sums[::2], strict=True)),
        totals=dict(zip(lists, sums[1::2], strict=True)),
        in_flow={flow: counts[shown] for flow, counts in of_flows.items() if counts[shown]}
        if filters.by_flow
        else {},
    )


def _walk(
    waiting: QuerySet[Approval], lists: Lists, filters: InboxFilters
) -> dict[str, tuple[int, ...]]:
    """Return two counts for each list, of each flow or, under "", of all of them."""
    flags = {f"is_{which}": _flag(rule) for which, rule in lists.items()}
    walked = waiting.annotate(**flags, passes=_flag(filters.choose()))
    flow = ["flow_name"] if filters.by_flow else []
    sql, params = walked.values(*flow, "passes", *flags).query.sql_with_params()
    sums = ", ".join(_SUMS.format(which) for which in lists)
    count = _COUNT.format(waiting=sql, flow="flow_name" if flow else "''", sums=sums)
    with connection.cursor() as cursor:
        cursor.execute(count + (_BY_FLOW if flow else ""), params)
        return {name: tuple(counts) for name, *counts in cursor.fetchall()}


def _flag(rule: Q) -> Case | Value:
    return as_case(rule) if rule else Value(True)
