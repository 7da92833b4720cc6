"""Which runs wait on a Prefect server: all of them, or how they differ from those known."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect.client import Client
from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.connectors.prefect.outcomes import Changes
from flowruns.connectors.prefect.parsing import parse_each
from flowruns.wire import PAGE_LIMIT

_PAUSED = {"type": {"any_": ["PAUSED"]}}
_NOT_PAUSED = {"type": {"not_any_": ["PAUSED"]}}
# Ids in one request; PostgreSQL takes no more than 65,535 parameters.
_MANY_IDS = 5_000
# Ids to leave out, which cannot be split into several requests.
_MOST_LEFT_OUT = 10_000
_BY_START = "EXPECTED_START_TIME_ASC"


def walk(client: Client, *, tags: Sequence[str]) -> Iterator[list[wire.FlowRun]]:
    """Yield the waiting runs with one of the tags, all where there are none, page by page.

    It goes along the expected start, which does not change: an offset alone skips a run for each
    one before it that leaves meanwhile.
    """
    seen: set[UUID] = set()
    after: datetime | None = None
    offset = 0
    while True:
        criteria = _waiting(tags)
        if after is not None:
            criteria["expected_start_time"] = {"after_": after.isoformat()}
        found = _read_page(client, criteria, offset=offset)
        page = parse_each(wire.FlowRun, found)
        if offset and page and all(run.id in seen for run in page):
            raise RemoteFault("The server lists the same runs again and again.")
        yield [run for run in page if run.id not in seen]
        if len(found) < PAGE_LIMIT:
            return
        seen = {run.id for run in page}
        last = max(filter(None, (run.expected_start_time for run in page)), default=None)
        # More than a page may start at one time; those that cannot be read have to be passed, too.
        is_stuck = last is None or last == after
        offset = offset + PAGE_LIMIT if is_stuck else 0
        after = last if last is not None else after


def read_runs(client: Client, flow_run_ids: Collection[UUID]) -> dict[UUID, wire.FlowRun]:
    """Return by id those runs that are there and can be read."""
    runs: dict[UUID, wire.FlowRun] = {}
    for some in batched(flow_run_ids, PAGE_LIMIT):
        found = parse_each(wire.FlowRun, _read_page(client, {"id": {"any_": _texts(some)}}))
        runs |= {run.id: run for run in found}
    return runs


def find_changes(client: Client, known: Collection[UUID], *, tags: Sequence[str]) -> Changes:
    """Return which runs wait that are not known, and which of the known ones do not any more."""
    ended = _find_ended(client, known)
    gone: list[UUID] = []
    if len(ended) + _count_waiting(client, known) < len(known):
        gone = _find_gone(client, known)
    return Changes(new=_find_new(client, known, tags=tags), ended=ended, gone=gone)


def _find_new(
    client: Client, known: Collection[UUID], *, tags: Sequence[str]
) -> list[wire.FlowRun]:
    if len(known) > _MOST_LEFT_OUT:
        pages, left_out = walk(client, tags=tags), frozenset(known)
        return [run for page in pages for run in page if run.id not in left_out]
    criteria = _waiting(tags)
    if known:
        criteria["id"] = {"not_any_": _texts(known)}
    return _read_all(client, criteria)


def _find_ended(client: Client, known: Collection[UUID]) -> list[wire.FlowRun]:
    runs: list[wire.FlowRun] = []
    for ids in batched(known, _MANY_IDS):
        runs += _read_all(client, {"id": {"any_": _texts(ids)}, "state": _NOT_PAUSED})
    return runs


def _count_waiting(client: Client, known: Collection[UUID]) -> int:
    count = 0
    for ids in batched(known, _MANY_IDS):
        body = {"flow_runs": {"id": {"any_": _texts(ids)}, "state": _PAUSED}}
        counted = client.find("/flow_runs/count", body)
        if not isinstance(counted, int):
            raise RemoteFault("The server counted oddly.")
        count += counted
    return count


def _find_gone(client: Client, known: Collection[UUID]) -> list[UUID]:
    there: set[str] = set()
    for ids in batched(known, PAGE_LIMIT):
        found = _read_page(client, {"id": {"any_": _texts(ids)}})
        there |= {str(each.get("id")) for each in found if isinstance(each, dict)}
    return [each for each in known if str(each) not in there]


def _read_all(client: Client, criteria: dict[str, Any]) -> list[wire.FlowRun]:
    """Return all pages; what one misses because a run left meanwhile, the next look finds."""
    runs: dict[UUID, wire.FlowRun] = {}
    offset = 0
    while True:
        found = _read_page(client, criteria, offset=offset)
        runs |= {run.id: run for run in parse_each(wire.FlowRun, found)}
        if len(found) < PAGE_LIMIT:
            return list(runs.values())
        offset += PAGE_LIMIT


def _read_page(client: Client, criteria: dict[str, Any], *, offset: int = 0) -> list[Any]:
    body = {"flow_runs": criteria, "sort": _BY_START, "limit": PAGE_LIMIT, "offset": offset}
    found = client.find("/flow_runs/filter", body)
    if not isinstance(found, list):
        raise RemoteFault("The server answered something else than a list.")
    return found


def _waiting(tags: Sequence[str]) -> dict[str, Any]:
    criteria: dict[str, Any] = {"state": _PAUSED}
    if tags:
        criteria["tags"] = {"any_": list(tags)}
    return criteria


def _texts(ids: Collection[UUID]) -> list[str]:
    return [str(each) for each in ids]
