"""Rejecting an approval, with the reason that its flow is told."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from approvals.answering.questions import find_reason_problem
from approvals.answering.unsent import carry_reason
from approvals.models import Approval
from approvals.services import drafts, inbox, votes
from approvals.services.decisions import Decided, Refused, Sent, TooLate, await_verdict
from approvals.services.drafts import Unsent
from approvals.services.votes import Counted, NotYours
from approvals.views.accounts import ask_to_log_in
from approvals.views.endings import confirm, tell_too_late
from approvals.web.pages import Request, read_back, reviewers_only


@require_http_methods(["GET", "HEAD", "POST"])
def rejection_page(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    if request.method != "POST":
        return show_rejection(request, approval_id)
    if not request.user.is_authenticated:
        return ask_to_log_in(request, carry_reason(request.POST))
    return reject_approval(request, approval_id)


@reviewers_only
def show_rejection(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    if not approval.is_waiting:
        return redirect("approval", approval.pk)
    draft = drafts.read_draft(approval, user=request.user)
    reason = draft.reason if draft else ""
    context = {"approval": approval, "reason": reason, "back": read_back(request)}
    return render(request, "approvals/reject.html", context)


@reviewers_only
def reject_approval(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    reason = request.POST.get("reason", "").strip()
    if not approval.is_waiting:
        return tell_too_late(request, approval, Unsent(reason=reason))
    if problem := find_reason_problem(reason):
        drafts.save_draft(approval, user=request.user, unsent=Unsent(reason=reason))
        return _ask_reason_again(request, approval, problem)
    return _tell_result(request, approval, reason)


def _tell_result(request: Request, approval: Approval, reason: str) -> HttpResponse:
    result = votes.reject_approval(approval, user=request.user, reason=reason)
    if isinstance(result, Sent):
        drafts.save_draft(approval, user=request.user, unsent=Unsent(reason=reason))
        result = await_verdict(approval, user=request.user)
    match result:
        case Decided():
            return confirm(request, approval, "Rejected. The flow has been told your reason.")
        case Counted(lack):
            return confirm(request, approval, f"Your no counts. {lack}.")
        case Refused(why) | NotYours(why):
            return _ask_reason_again(request, approval, why)
        case Sent():
            return redirect("approval", approval.pk)
        case TooLate(ended):
            return tell_too_late(request, ended, Unsent(reason=reason))


def show_reason_again(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Show a typed reason without acting on it, because nothing proves who sent it."""
    return _show_reason_again(request, approval_id)


@reviewers_only
def _show_reason_again(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    problem = "This page was out of date, so nothing was sent. Please press Reject again."
    return _ask_reason_again(request, approval, problem, status=403)


def _ask_reason_again(
    request: Request, approval: Approval, problem: str, *, status: int = 422
) -> HttpResponse:
    reason = request.POST.get("reason", "").replace("\x00", "")
    context = {"approval": approval, "reason": reason, "problem": problem}
    context["back"] = read_back(request)
    return render(request, "approvals/reject.html", context, status=status)
