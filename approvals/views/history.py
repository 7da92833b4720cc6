"""Who answered what, and when."""

from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from approvals.answering.exporting import write_csv
from approvals.answering.summaries import summarise_approvals
from approvals.models import Approval
from approvals.services import history
from approvals.services.history import HistoryFilters
from approvals.web.pages import Request, back_query, read_place, reviewers_only, stream, write_place

_OUTCOMES = [value for value in Approval.Outcome if value is not Approval.Outcome.WAITING]
_FILTERS = ("q", "person", "flow", "outcome", "from", "to")


@require_safe
@reviewers_only
def show_history(request: Request) -> HttpResponse:
    chosen = _read_chosen(request)
    filters = _filters_of(chosen)
    page = history.read_history(request.user, filters, before=read_place(request))
    place = {"before": request.GET["before"]} if "before" in request.GET else {}
    older = urlencode({**chosen, "before": write_place(page.older)}) if page.older else ""
    context = {
        "entries": summarise_approvals(page.approvals),
        "chosen": {name: chosen.get(name, "") for name in _FILTERS},
        "query": urlencode(chosen),
        "here": back_query(f"{reverse('history')}?{urlencode({**chosen, **place})}".rstrip("?")),
        "count": page.count,
        "most": history.MAX_COUNTED,
        "is_first": not place,
        "older": older,
        "people": page.people,
        "flows": page.flows,
        "outcomes": _OUTCOMES,
    }
    return render(request, "approvals/history.html", context)


@require_safe
@reviewers_only
def export_history(request: Request) -> StreamingHttpResponse:
    """All of the history that passes the filters, as CSV."""
    found = history.read_whole_history(request.user, _filters_of(_read_chosen(request)))
    lines = write_csv(found, timezone.get_current_timezone())
    response = StreamingHttpResponse(stream(request, lines), content_type="text/csv; charset=utf-8")
    name = f"history-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read_chosen(request: Request) -> dict[str, str]:
    """Return what an address filters by, without what means nothing."""
    chosen = {name: _read(request, name)[:200] for name in _FILTERS}
    chosen["q"] = chosen["q"].strip()
    for name in ("from", "to"):
        chosen[name] = day.isoformat() if (day := _day(chosen[name])) else ""
    return {name: value for name, value in chosen.items() if value}


def _filters_of(chosen: dict[str, str]) -> HistoryFilters:
    last = _day(chosen.get("to", ""))
    return HistoryFilters(
        text=chosen.get("q", ""),
        person=chosen.get("person", ""),
        flow=chosen.get("flow", ""),
        outcome=chosen.get("outcome", ""),
        since=_begin(_day(chosen.get("from", ""))),
        until=_begin(last + timedelta(days=1)) if last and last < date.max else None,
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _begin(day: date | None) -> datetime | None:
    """Return the first moment of a day in the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


def _read(request: Request, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "")
