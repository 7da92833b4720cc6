"""A run's page, which the flow's own log links to."""

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.http import Request, reviewers_only
from approvals.services import inbox


@require_safe
@reviewers_only
def show_run(request: Request, flow_run_id: UUID) -> HttpResponse:
    approvals = inbox.list_approvals_of(request.user, flow_run_id)
    run = inbox.read_run(flow_run_id)
    if run.flow_run is None and not approvals:
        raise Http404("No such run.")
    context = {
        "flow_run_id": flow_run_id,
        "run": run,
        "waiting": next((approval for approval in approvals if approval.is_waiting), None),
        "ended": [approval for approval in approvals if not approval.is_waiting],
    }
    return render(request, "approvals/run.html", context)
