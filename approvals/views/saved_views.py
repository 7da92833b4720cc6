"""Saved views of the inbox: kept from the page that shows one, changed on a page of their own."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from approvals.services import saved_views
from approvals.services.saved_views import ViewRefused
from approvals.web.inbox_address import read_filters, write_filters
from approvals.web.pages import Request, reviewers_only

_SHARED = "shared"


@require_safe
@reviewers_only
def show_views(request: Request) -> HttpResponse:
    """All views that the user may open, with what changes them beside their own."""
    views = [
        (view, saved_views.may_change(request.user, view))
        for view in saved_views.list_views(request.user)
    ]
    return render(request, "approvals/views.html", {"views": views})


@require_POST
@reviewers_only
def save_view(request: Request) -> HttpResponse:
    """Keep what an inbox shows, and show it again under its name."""
    query = write_filters(read_filters(QueryDict(request.POST.get("query", ""))))
    try:
        view = saved_views.save_view(
            request.user,
            name=request.POST.get("name", ""),
            query=query,
            is_shared=_SHARED in request.POST,
        )
        messages.success(request, f"“{view.name}” is among your lists now.")
    except ViewRefused as problem:
        messages.error(request, str(problem))
    return redirect(f"{reverse('inbox')}?{query}" if query else reverse("inbox"))


@require_POST
@reviewers_only
def change_view(request: Request, view_id: UUID) -> HttpResponse:
    try:
        view = saved_views.change_view(
            request.user,
            view_id,
            name=request.POST.get("name", ""),
            is_shared=_SHARED in request.POST,
        )
        messages.success(request, f"“{view.name}” is saved.")
    except ViewRefused as problem:
        messages.error(request, str(problem))
    return redirect("views")


@require_POST
@reviewers_only
def delete_view(request: Request, view_id: UUID) -> HttpResponse:
    view = saved_views.delete_view(request.user, view_id)
    messages.success(request, f"“{view.name}” is deleted.")
    return redirect("views")
