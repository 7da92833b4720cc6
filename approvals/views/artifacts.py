"""What runs left to look at: beside a decision while it changes, and on pages of its own."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals.remote.snapshots import refresh_run
from approvals.services import artifacts, inbox
from approvals.services.artifacts import ArtifactView
from approvals.web.pages import (
    Request,
    fragment,
    read_back,
    read_page_number,
    reviewers_only,
    unchanged,
)


@require_safe
@fragment
def show_run_artifacts(request: Request, flow_run_id: UUID) -> HttpResponse:
    """Show what a run shows by now; 204 while it is what the page has."""
    inbox.require_run_for(request.user, flow_run_id)
    refresh_run(flow_run_id)
    found = artifacts.read_artifacts(flow_run_id)
    if found.mark == request.GET.get("seen"):
        return unchanged()
    context = {
        "artifacts": found,
        "flow_run_id": flow_run_id,
        "is_live": True,
        "can_answer": bool(back := read_back(request).query),
        "here": back,
    }
    return render(request, "approvals/_artifacts.html", context)


@require_safe
@fragment
def show_artifact_progress(request: Request, artifact_id: UUID) -> HttpResponse:
    """Show how far something is by now; 204 while it is no further."""
    artifact = artifacts.read_artifact(artifact_id, of=_read_run(request))
    _require(request, artifact)
    if str(artifact.content.percent) == request.GET.get("seen"):
        return unchanged()
    context = {"artifact": artifact, "is_live": True}
    return render(request, "approvals/_progress.html", context)


@require_safe
@reviewers_only
def show_artifact(request: Request, artifact_id: UUID) -> HttpResponse:
    """One artifact on a page of its own, a long table page by page."""
    number = read_page_number(request)
    artifact = artifacts.read_artifact(artifact_id, of=_read_run(request), page=number)
    _require(request, artifact)
    table = artifact.content.table
    pages = -(-table.count // artifacts.ROWS_A_PAGE) if table else 1
    context = {"artifact": artifact, "number": number, "pages": pages, "back": read_back(request)}
    return render(request, "approvals/artifact.html", context)


@require_safe
@reviewers_only
def show_artifact_data(request: Request, artifact_id: UUID) -> HttpResponse:
    """All that an artifact holds, as plain text."""
    of = _read_run(request)
    _require(request, artifacts.read_artifact(artifact_id, of=of))
    text = artifacts.read_data(artifact_id, of=of)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _read_run(request: Request) -> UUID | None:
    """Return the run whose artifact an address means, None where it does not say."""
    try:
        return UUID(request.GET.get("of", ""))
    except ValueError:
        return None


def _require(request: Request, artifact: ArtifactView) -> None:
    if artifact.flow_run_id is not None:
        inbox.require_run_for(request.user, artifact.flow_run_id)
