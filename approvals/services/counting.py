"""How much waits in each list of the inbox, and of each flow, counted in one walk."""

from dataclasses import dataclass

from django.db import connection

from approvals.services.filters import InboxFilters, Which
from approvals.services.lists import Lists, Rule, to_rule

# Each rule is looked at once an approval, however often it is counted by: with a limit, which
# nothing reaches, databases do not write a rule where it is used, and keep no table of what waits
_COUNT = """SELECT {flow}, {sums} FROM (SELECT flow_name, {flags} FROM approvals_approval
WHERE outcome = 'waiting' LIMIT 9223372036854775807) waiting"""
# As a CASE, which stops at what decides: SQLite looks at both sides of an AND whose value is wanted
_FLAG = "CASE WHEN {rule} THEN true ELSE false END AS {name}"
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


def count_lists(lists: Lists, filters: InboxFilters) -> Counts:
    """Count what waits in each list."""
    of_flows = _walk(lists, filters)
    sums = [sum(column) for column in zip(*of_flows.values(), strict=True)] or [0] * 2 * len(lists)
    shown = 2 * list(lists).index(filters.which)
    return Counts(
        passing=dict(zip(lists, sums[::2], strict=True)),
        totals=dict(zip(lists, sums[1::2], strict=True)),
        in_flow={flow: counts[shown] for flow, counts in of_flows.items() if counts[shown]}
        if filters.by_flow
        else {},
    )


def _walk(lists: Lists, filters: InboxFilters) -> dict[str, tuple[int, ...]]:
    """Return two counts for each list, of each flow or, under "", of all of them."""
    rules = {"passes": to_rule(filters.choose())}
    rules |= {f"is_{which}": rule for which, rule in lists.items()}
    count = _COUNT.format(
        flow="flow_name" if filters.by_flow else "''",
        sums=", ".join(_SUMS.format(which) for which in lists),
        flags=", ".join(_flag(name, rule) for name, rule in rules.items()),
    )
    params = [each for rule in rules.values() for each in rule.adapt(connection)]
    with connection.cursor() as cursor:
        cursor.execute(count + (_BY_FLOW if filters.by_flow else ""), params)
        return {name: tuple(counts) for name, *counts in cursor.fetchall()}


def _flag(name: str, rule: Rule) -> str:
    return _FLAG.format(name=name, rule=rule.write("approvals_approval"))
