"""What the flow made of an answer, for the open page of whoever gave it."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.answering.flow_errors import read_flow_verdict
from approvals.remote.snapshots import refresh_snapshot
from approvals.services import inbox
from approvals.web.pages import Request, fragment, unchanged


@require_safe
@fragment
def show_flow_verdict(request: Request, approval_id: UUID) -> HttpResponse:
    """Say that the flow refused an answer as soon as it has; 204 while it may yet do so."""
    approval = inbox.get_approval_for(request.user, approval_id)
    refresh_snapshot(approval)
    run = inbox.read_run_of(approval)
    if read_flow_verdict(approval, run).is_open:
        return unchanged()
    return render(request, "approvals/_flow_verdict.html", {"approval": approval, "run": run})
