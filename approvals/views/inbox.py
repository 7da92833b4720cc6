"""The inbox: what waits, and the parts of it that an open page asks for again."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.http import (
    Request,
    back_query,
    fragment,
    read_page_number,
    reviewers_only,
    unchanged,
)
from approvals.services import inbox
from approvals.services.inbox import InboxPage, Which


@require_safe
@reviewers_only
def show_inbox(request: Request) -> HttpResponse:
    return render(request, "approvals/inbox.html", _context(_read_page(request)))


@require_safe
@fragment
def show_inbox_list(request: Request) -> HttpResponse:
    """The list alone: 204 while it is as the page shows it, so that nothing on it moves."""
    page = _read_page(request)
    if request.GET.get("mark") == page.mark:
        return unchanged()
    response = render(request, "approvals/inbox.html#waiting", {**_context(page), "is_part": True})
    if "mark" not in request.GET:  # a search, so that a reload finds the same
        response["HX-Replace-Url"] = f"{reverse('inbox')}{_query(page)}"
    return response


@require_safe
@fragment
def show_waiting_count(request: Request) -> HttpResponse:
    """The number in the navigation of every other page."""
    count = inbox.count_waiting(request.user)
    if request.GET.get("shown") == str(count):
        return unchanged()
    return render(request, "_waiting_count.html", {"waiting": count})


def _read_page(request: Request) -> InboxPage:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    chosen = request.GET.get("list", "")
    which = Which(chosen) if chosen in list(Which) else Which.FOR_ME
    number = read_page_number(request)
    return inbox.read_inbox(request.user, text=text, number=number, which=which)


def _context(page: InboxPage) -> dict[str, Any]:
    place = {"page": page.number} if page.number > 1 else {}
    chosen = {"q": page.text} if page.text else {}
    if page.which is not Which.FOR_ME:
        chosen["list"] = page.which
    here = urlencode({**chosen, **place})
    return {
        "page": page,
        "query": urlencode({"q": page.text, **chosen}),
        "here": back_query(f"{reverse('inbox')}?{here}") if here else "",
        "waiting": page.counts[Which.FOR_ME],
    }


def _query(page: InboxPage) -> str:
    chosen = {"q": page.text} if page.text else {}
    if page.which is not Which.FOR_ME:
        chosen["list"] = page.which
    return f"?{urlencode(chosen)}" if chosen else ""
