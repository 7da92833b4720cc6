"""Votes on an approval's page: agreeing, taking back, deciding against the policy."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from approvals.models import Approval
from approvals.services import holding, inbox, votes
from approvals.services.decisions import Decided, Refused, Sent, TooLate, await_verdict
from approvals.services.drafts import Unsent
from approvals.services.holding import Held, HoldResult
from approvals.services.votes import Counted, NotYours
from approvals.views.endings import confirm, tell_too_late
from approvals.web.pages import Request, read_back, reviewers_only

SEEN = "seen"
PASSWORD = "password"  # noqa: S105 -- the name of a field


@require_POST
@reviewers_only
def agree(request: Request, approval_id: UUID) -> HttpResponse:
    """Give the answer that another has given; one that is signed takes effect at once."""
    approval = inbox.get_approval_for(request.user, approval_id)
    seen = request.POST.get(SEEN, "")
    result: HoldResult
    if has_signed(request):
        result = votes.agree(approval, user=request.user, seen=seen, is_signed=True)
    else:
        result = holding.hold_answer(approval, user=request.user, seen=seen)
    return tell(request, approval, result)


@require_POST
@reviewers_only
def undo(request: Request, approval_id: UUID) -> HttpResponse:
    """Drop what the reader has decided a moment ago."""
    approval = inbox.get_approval_for(request.user, approval_id)
    if holding.undo([approval.pk], user=request.user):
        return confirm(request, approval, "Undone. It is as if you had not decided.")
    messages.error(request, holding.explain_no_undo(approval, user=request.user))
    return redirect("approval", approval.pk)


@require_POST
@reviewers_only
def take_back(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    return tell(request, approval, votes.take_back(approval, user=request.user), "Taken back.")


@require_POST
@reviewers_only
def reject_against_policy(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    reason = read_override_reason(request)
    result = votes.override_policy(approval, user=request.user, reason=reason, rejects=True)
    return tell(request, approval, result)


def tell(
    request: Request, approval: Approval, result: HoldResult, counted: str = "Your answer counts."
) -> HttpResponse:
    """Say on the approval's page what became of a vote."""
    if isinstance(result, Sent):
        result = await_verdict(approval, user=request.user)
    match result:
        case Decided():
            return confirm(request, approval, "It is decided. The flow has been told.")
        case Counted(lack):
            return confirm(request, approval, f"{counted} {lack}.")
        case Held():
            return redirect(f"{reverse('approval', args=[approval.pk])}{read_back(request).query}")
        case Refused(why) | NotYours(why):
            messages.error(request, why)
            return redirect("approval", approval.pk)
        case Sent():
            return redirect("approval", approval.pk)
        case TooLate(ended):
            return tell_too_late(request, ended, Unsent())


def read_override_reason(request: Request) -> str:
    """Return why a reviewer decides against the policy, "" where nothing was typed."""
    return request.POST.get("override_reason", "").replace("\x00", "").strip()


def has_signed(request: Request) -> bool:
    """Whether a reviewer has typed their password with what they send; wrong ones are counted."""
    password = request.POST.get(PASSWORD, "")
    if not password:
        return False
    user = authenticate(request, username=request.user.get_username(), password=password)
    return user is not None and user.pk == request.user.pk
