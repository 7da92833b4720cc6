"""What a reviewer has chosen of the inbox, as its address says it."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import QueryDict
from django.urls import reverse

from approvals.services.filters import Due, InboxFilters, Sort, Which

_MAX_LENGTH = 200
_NAMES = ("flow", "tag", "policy", "server")
_YES = "1"


def read_filters(query: QueryDict) -> InboxFilters:
    """Return what an address asks for; what means nothing narrows nothing."""
    due, sort, which = (_read(query, name) for name in ("due", "sort", "list"))
    return InboxFilters(
        which=Which(which) if which in list(Which) else Which.FOR_ME,
        text=_read(query, "q").strip(),
        due=Due(due) if due in list(Due) else None,
        is_neglected=_read(query, "neglected") == _YES,
        sort=Sort(sort) if sort in list(Sort) else Sort.URGENT,
        by_flow=_read(query, "group") == "flow",
        **{name: _read(query, name) for name in _NAMES},
    )


def read_filters_of(address: str) -> InboxFilters:
    """Return what the address of an inbox asks for; any other one asks for nothing."""
    parts = urlsplit(address)
    return read_filters(QueryDict(parts.query if parts.path == reverse("inbox") else ""))


def write_filters(filters: InboxFilters, **changes: Any) -> str:
    """Return the query of an address that asks for this, "" for the inbox as it is."""
    said = {
        "list": "" if filters.which is Which.FOR_ME else filters.which,
        "q": filters.text,
        "flow": filters.flow,
        "tag": filters.tag,
        "policy": filters.policy,
        "server": filters.server,
        "due": filters.due or "",
        "neglected": _YES if filters.is_neglected else "",
        "sort": "" if filters.sort is Sort.URGENT else filters.sort,
        "group": "flow" if filters.by_flow else "",
        **changes,
    }
    return urlencode({name: value for name, value in said.items() if value})


def _read(query: QueryDict, name: str) -> str:
    return query.get(name, "").replace("\x00", "")[:_MAX_LENGTH]
