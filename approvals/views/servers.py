"""Other servers, for the staff: how they are, and what is to be decided about them."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.remote.status import list_statuses
from approvals.remote.vanishing import confirm_vanishing
from approvals.web.pages import Request, reviewers_only


@require_safe
@reviewers_only
def show_servers(request: Request) -> HttpResponse:
    _require_staff(request)
    return render(request, "approvals/servers.html", {"servers": list_statuses()})


@require_POST
@reviewers_only
def close_missing(request: Request, name: str) -> HttpResponse:
    """Take a server at its word that most of what waited there is gone."""
    _require_staff(request)
    if confirm_vanishing(name):
        messages.success(request, "What is gone is closed with the next look.")
    return redirect("servers")


def _require_staff(request: Request) -> None:
    if not request.user.is_staff:
        raise Http404("No such page.")
