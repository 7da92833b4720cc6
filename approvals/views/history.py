"""Who answered what, and when."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.http import Request, reviewers_only
from approvals.models import Approval
from approvals.services import decisions
from approvals.services.decisions import Place

PAGE_SIZE = 50
_OUTCOMES = [value for value in Approval.Outcome if value is not Approval.Outcome.WAITING]


@require_safe
@reviewers_only
def show_history(request: Request) -> HttpResponse:
    filters = {name: _read(request, name) for name in ("person", "flow", "outcome")}
    found = decisions.list_history(**filters, before=_read_place(request))
    shown = list(found[: PAGE_SIZE + 1])
    chosen = {name: value for name, value in filters.items() if value}
    older = ""
    if len(shown) > PAGE_SIZE:
        last = shown[PAGE_SIZE - 1]
        older = urlencode({**chosen, "before": f"{last.closed_at:%Y-%m-%dT%H:%M:%S.%f}_{last.pk}"})
    context = {
        "approvals": shown[:PAGE_SIZE],
        "filters": filters,
        "is_filtered": bool(chosen),
        "is_first": "before" not in request.GET,
        "older": older,
        "people": decisions.list_deciders(),
        "flows": decisions.list_decided_flows(),
        "outcomes": _OUTCOMES,
    }
    return render(request, "approvals/history.html", context)


def _read(request: Request, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "")


def _read_place(request: Request) -> Place | None:
    """Return where the page before ended; what is no such place is the beginning."""
    moment, _, identifier = _read(request, "before").partition("_")
    try:
        return datetime.fromisoformat(f"{moment}+00:00"), UUID(identifier)
    except ValueError:
        return None
