"""All that a run has logged, by level and words, page by page."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.remote.snapshots import refresh_run
from approvals.services.inbox import MAX_LOG_LINES, read_log, read_run_alone, require_run_for
from approvals.web.pages import Request, read_place, reviewers_only, write_place

# What a reader chooses, as the least level of Python's logging
LEVELS = {"info": 20, "warning": 30, "error": 40}


@require_safe
@reviewers_only
def show_log(request: Request, flow_run_id: UUID) -> HttpResponse:
    require_run_for(request.user, flow_run_id)
    refresh_run(flow_run_id)
    run = read_run_alone(flow_run_id)
    if run.flow_run is None:
        raise Http404("No such run.")
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    level = request.GET.get("level", "")
    before = read_place(request)
    lines, count = read_log(flow_run_id, level=LEVELS.get(level, 0), text=text, before=before)
    chosen = {"level": level if level in LEVELS else "", "q": text}
    query = {name: value for name, value in chosen.items() if value}
    shown = lines[:MAX_LOG_LINES]
    earlier = ""
    if len(lines) > MAX_LOG_LINES:
        earlier = urlencode({**query, "before": write_place((shown[-1].timestamp, shown[-1].id))})
    context = {
        "flow_run_id": flow_run_id,
        "run": run,
        "lines": shown,
        "count": count,
        "chosen": chosen,
        "query": urlencode(query),
        "is_first": before is None,
        "earlier": earlier,
        "levels": LEVELS,
    }
    return render(request, "approvals/log.html", context)
