"""Comments on an approval's page: read, written, edited and deleted."""

import hashlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.models import Approval, Comment
from approvals.services import comments, inbox
from approvals.services.comments import Commented, CommentRefused, CommentResult
from approvals.web.pages import (
    Request,
    ReviewerView,
    View,
    fragment,
    read_back,
    reviewers_only,
    unchanged,
)

_PART = "approvals/_comments.html"


_OUT_OF_DATE = "This page was out of date, so nothing was sent. Please press Comment again."


def _reviewers_only[**P](view: ReviewerView[P, HttpResponse]) -> View[P, HttpResponse]:
    """Let only those in who have logged in; an open page is told that its session has ended."""
    whole, part = reviewers_only(view), fragment(view)

    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return (part if "HX-Request" in request.headers else whole)(request, *args, **kwargs)

    return wrapped


@require_safe
@fragment
def show_comments(request: Request, approval_id: UUID) -> HttpResponse:
    """The comments alone: 204 while they are as the page shows them."""
    approval = inbox.get_approval_for(request.user, approval_id)
    listed = _list(request, approval)
    if request.GET.get("shown") == _mark_of(approval, listed):
        return unchanged()
    context = {"approval": approval, **comments_context(request, approval)}
    return render(request, f"{_PART}#comment_list", context)


@require_http_methods(["GET", "POST"])
@_reviewers_only
def write_comment(request: Request, approval_id: UUID) -> HttpResponse:
    """Take a comment; whoever comes here by a log-in is led to the page."""
    approval = inbox.get_approval_for(request.user, approval_id)
    if request.method == "GET":
        return redirect(_address_of(request, approval))
    text = request.POST.get("text", "")
    asks = "asks_requester" in request.POST
    result = comments.write_comment(approval, user=request.user, text=text, asks_requester=asks)
    return _tell(request, approval, result, typed=text)


@require_POST
@_reviewers_only
def edit_comment(request: Request, approval_id: UUID, comment_id: UUID) -> HttpResponse:
    comment = _get_comment(request, approval_id, comment_id)
    text = request.POST.get("text", "")
    result = comments.edit_comment(comment, user=request.user, text=text)
    return _tell(request, comment.approval, result)


@require_POST
@_reviewers_only
def delete_comment(request: Request, approval_id: UUID, comment_id: UUID) -> HttpResponse:
    comment = _get_comment(request, approval_id, comment_id)
    refused = comments.delete_comment(comment, user=request.user)
    return _tell(request, comment.approval, refused)


def comments_context(request: Request, approval: Approval) -> dict[str, Any]:
    """Return what a page shows of comments: each with whether the reader may edit it."""
    listed = _list(request, approval)
    return {
        "comments": listed,
        "comments_mark": _mark_of(approval, listed),
        "may_ask": comments.may_ask_requester(approval, user=request.user),
        "back": read_back(request),
    }


def _list(request: Request, approval: Approval) -> list[tuple[Comment, bool]]:
    listed = comments.list_comments(approval)
    return [(comment, comments.may_edit(comment, user=request.user)) for comment in listed]


def _get_comment(request: Request, approval_id: UUID, comment_id: UUID) -> Comment:
    approval = inbox.get_approval_for(request.user, approval_id)
    comment = comments.get_comment(approval, comment_id)
    if comment is None:
        raise Http404("No such comment.")
    return comment


def _tell(
    request: Request, approval: Approval, result: CommentResult | None, *, typed: str = ""
) -> HttpResponse:
    """Show the comments as they are now, in a page's part or on the whole page."""
    problem, note = _describe(result)
    if not request.htmx:
        if problem or note:
            (messages.error if problem else messages.info)(request, problem or note)
        return redirect(_address_of(request, approval))
    approval.refresh_from_db()
    return _show_part(request, approval, problem=problem, note=note, typed=typed)


@fragment
def show_comment_again(request: Request, approval_id: UUID) -> HttpResponse:
    """Show a typed comment without storing it, because nothing proves who sent it."""
    approval = inbox.get_approval_for(request.user, approval_id)
    typed = request.POST.get("text", "").replace("\x00", "")
    return _show_part(request, approval, problem=_OUT_OF_DATE, typed=typed)


def _show_part(
    request: Request, approval: Approval, *, problem: str, note: str = "", typed: str
) -> HttpResponse:
    context = {"approval": approval, "problem": problem, "note": note}
    context["typed_comment"] = typed if problem else ""
    context |= comments_context(request, approval)
    return render(request, _PART, context, status=422 if problem else 200)


def _address_of(request: Request, approval: Approval) -> str:
    page = reverse("approval", args=[approval.pk])
    return f"{page}{read_back(request).query}#comments"


def _describe(result: CommentResult | None) -> tuple[str, str]:
    """Return what went wrong, and what else the author should know."""
    match result:
        case CommentRefused(why):
            return why, ""
        case Commented(unheard=[_, *_] as names):
            told = ", ".join(f"@{name}" for name in names)
            return "", f"Nobody who may see this is called {told}."
        case _:
            return "", ""


def _mark_of(approval: Approval, listed: list[tuple[Comment, bool]]) -> str:
    """Return a mark that changes whenever the list does."""
    said = [(str(c.pk), str(c.edited_at), str(c.deleted_at), may_edit) for c, may_edit in listed]
    shown = f"{said}{approval.asked_requester_at}"
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
