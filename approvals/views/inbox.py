"""The inbox: what waits, and the parts of it that an open page asks for again."""

from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from approvals.services import facets, inbox, saved_views
from approvals.services.filters import Due, InboxFilters, Sort
from approvals.services.inbox import InboxPage
from approvals.web.inbox_address import read_filters, write_filters
from approvals.web.pages import (
    Request,
    back_query,
    fragment,
    read_page_number,
    reviewers_only,
    unchanged,
)

DENSITY = "density"
DENSITIES = ("dense", "roomy")
_A_YEAR = 365 * 24 * 60 * 60  # seconds


@require_safe
@reviewers_only
def show_inbox(request: Request) -> HttpResponse:
    page = _read_page(request)
    context = {
        **_context(request, page),
        "choices": facets.list_choices(request.user),
        "deadlines": list(Due),
        "sorts": list(Sort),
    }
    return render(request, "approvals/inbox.html", context)


@require_safe
@fragment
def show_inbox_list(request: Request) -> HttpResponse:
    """The list alone: 204 while it is as the page shows it, so that nothing on it moves."""
    page = _read_page(request)
    if request.GET.get("mark") == page.mark:
        return unchanged()
    context = {**_context(request, page), "is_part": True}
    response = render(request, "approvals/inbox.html#waiting", context)
    if "mark" not in request.GET:  # a search, so that a reload finds the same
        response["HX-Replace-Url"] = _address_of(write_filters(page.filters))
    return response


@require_safe
@fragment
def show_waiting_count(request: Request) -> HttpResponse:
    """The number in the navigation of every other page."""
    count = inbox.count_waiting(request.user)
    if request.GET.get("shown") == str(count):
        return unchanged()
    return render(request, "_waiting_count.html", {"waiting": count})


@require_POST
@reviewers_only
def choose_density(request: Request) -> HttpResponse:
    """Keep how close together the rows stand, and show the list again."""
    response = redirect(_address_of(write_filters(read_filters(request.GET))))
    density = request.POST.get(DENSITY)
    if density in DENSITIES:
        response.set_cookie(
            DENSITY,
            density,
            max_age=_A_YEAR,
            samesite="Lax",
            secure=request.is_secure(),
            path=reverse("inbox"),
        )
    return response


def _read_page(request: Request) -> InboxPage:
    filters = read_filters(request.GET)
    return inbox.read_inbox(request.user, filters, number=read_page_number(request))


def _context(request: Request, page: InboxPage) -> dict[str, Any]:
    query = write_filters(page.filters)
    here = write_filters(page.filters, page=page.number if page.number > 1 else "")
    density = request.COOKIES.get(DENSITY)
    views = saved_views.list_views(request.user)
    return {
        "page": page,
        "chosen": page.filters,
        "query": query,
        "unfiltered": _address_of(write_filters(InboxFilters(which=page.filters.which))),
        "lists": [
            (which, count, _address_of(write_filters(replace(page.filters, which=which))))
            for which, count in page.counts.items()
        ],
        "views": views,
        "view": next((view for view in views if query and view.query == query), None),
        "density": density if density in DENSITIES else "",
        "here": back_query(_address_of(here)) if here else "",
        "waiting": page.for_me,
        "picked": _read_picked(request),
    }


def _read_picked(request: Request) -> set[UUID]:
    """Return what an address has selected, since it failed with others before."""
    found = set()
    for text in request.GET.getlist("picked"):
        with suppress(ValueError):
            found.add(UUID(text))
    return found


def _address_of(query: str) -> str:
    return f"{reverse('inbox')}?{query}" if query else reverse("inbox")
