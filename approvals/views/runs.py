"""A run's page, which the flow's own log links to, and the part of it that follows the run."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.answering.panels import Panel, read_panel
from approvals.answering.summaries import summarise_approvals
from approvals.remote.snapshots import refresh_run
from approvals.services import artifacts, inbox
from approvals.services.inbox import RunView
from approvals.services.timelines import Timeline, read_timeline
from approvals.web.pages import Request, fragment, reviewers_only, unchanged


@require_safe
@reviewers_only
def show_run(request: Request, flow_run_id: UUID) -> HttpResponse:
    away = refresh_run(flow_run_id)
    context = _read_context(request, flow_run_id, inbox.read_run(flow_run_id)) | {"away": away}
    context["artifacts"] = artifacts.read_artifacts(flow_run_id)
    return render(request, "approvals/run.html", context)


@require_safe
@fragment
def show_progress(request: Request, flow_run_id: UUID) -> HttpResponse:
    """What changes on an open page; 204 while it is as the page shows it."""
    refresh_run(flow_run_id)
    context = _read_context(request, flow_run_id, inbox.read_run_alone(flow_run_id))
    if request.GET.get("mark") == context["mark"]:
        return unchanged()
    return render(request, "approvals/run.html#progress", {**context, "is_part": True})


def _read_context(request: Request, flow_run_id: UUID, run: RunView) -> dict[str, Any]:
    inbox.require_run_for(request.user, flow_run_id)
    approvals = inbox.list_approvals_of(request.user, flow_run_id)
    if run.flow_run is None and not approvals:
        raise Http404("No such run.")
    before = request.GET.get("before", "")
    timeline = read_timeline(run.flow_run, approvals, before=before) if run.flow_run else None
    waiting = next((approval for approval in approvals if approval.is_waiting), None)
    panel = read_panel(waiting, user=request.user) if waiting else None
    return {
        "flow_run_id": flow_run_id,
        "run": run,
        "timeline": timeline,
        "mark": _mark_of(run, timeline, panel),
        "waiting": waiting,
        "server": next((each.server for each in approvals), ""),
        "panel": panel,
        "ended": summarise_approvals([each for each in approvals if not each.is_waiting]),
    }


def _mark_of(run: RunView, timeline: Timeline | None, panel: Panel | None) -> str:
    """Return a mark that changes whenever the part of the page that follows the run does."""
    mark = f"{timeline.mark if timeline else ''}-{run.is_stranded:d}{run.is_lost:d}"
    return f"{mark}-{panel.mark}" if panel else mark
