"""What is told of an approval that has ended: that it was decided, by whom, and what is next."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from approvals.answering.questions import describe_decision
from approvals.answering.unsent import describe_draft, describe_unsent
from approvals.models import Approval
from approvals.services import drafts, inbox
from approvals.services.drafts import LEFTOVERS_KEPT, Unsent
from approvals.web.inbox_address import read_filters_of
from approvals.web.pages import Back, Request, read_back


def ending_context(
    request: Request, approval: Approval, *, is_done: bool = False
) -> dict[str, Any]:
    """Return what is told of an approval that has ended: by whom, with what, what is next.

    `is_done` where it still waits, and its reader has nothing more to do.
    """
    decision = getattr(approval, "decision", None)
    back = read_back(request)
    goes_on = is_done or not approval.is_waiting
    return {
        "approval": approval,
        "back": back,
        "decision": decision,
        "rows": describe_decision(decision) if decision else [],
        "kept_days": LEFTOVERS_KEPT.days,
        "next": _find_next(request, approval, back) if goes_on else None,
    }


def _find_next(request: Request, approval: Approval, back: Back) -> Approval | None:
    """Return what to go on with: the next of the list that the reviewer works through."""
    filters = read_filters_of(back.address)
    return inbox.next_waiting(request.user, after=approval, filters=filters)


def confirm(request: Request, approval: Approval, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect(f"{reverse('approval', args=[approval.pk])}{read_back(request).query}")


def tell_too_late(request: Request, approval: Approval, unsent: Unsent) -> HttpResponse:
    """Say who was first; whoever decided it themselves has only pressed twice."""
    decision = getattr(approval, "decision", None)
    if decision is not None and decision.reviewer_id == request.user.pk:
        messages.info(request, "You answered this in another tab. Nothing was sent twice.")
        return redirect("approval", approval.pk)
    draft = drafts.save_leftover(approval, user=request.user, unsent=unsent)
    context = {
        **ending_context(request, approval),
        "draft": draft,
        "unsent_values": describe_draft(approval, draft) if draft else describe_unsent(unsent),
    }
    return render(request, "approvals/too_late.html", context, status=409)
