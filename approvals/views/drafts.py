"""A reviewer's draft: saved as they type, and dropped when they start afresh."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.answering.questions import read_question
from approvals.answering.unsent import ASKED, REASON, find_asked, keep_draft
from approvals.services import drafts, inbox, votes
from approvals.services.drafts import Saving
from approvals.services.uploads import drop_uploads
from approvals.views.votes import SEEN
from approvals.web.pages import Request, fragment, reviewers_only, unchanged

# Whose page a draft comes from: another may have logged in meanwhile in the same browser
READER = "reader"
_STATUSES = {Saving.ENDED: 409, Saving.TOO_LARGE: 413}


@require_POST
@fragment
def save_draft(request: Request, approval_id: UUID) -> HttpResponse:
    """Save what an open page holds: 204, or 409 when the approval has ended meanwhile.

    What somebody else typed into a page of theirs is not saved: 403.
    """
    me = str(request.user.pk)
    if request.POST.get(READER, me) != me:
        return HttpResponse(status=403)
    approval = inbox.get_approval_for(request.user, approval_id)
    asked = find_asked(approval, read_question(approval), request.POST.get(ASKED, ""))
    if not approval.is_waiting or asked is None:
        return HttpResponse(status=409)
    seen = request.POST.get(SEEN)
    if seen and votes.is_outdated(approval, user=request.user, seen=seen):
        return unchanged()  # it was sent while the answer was on its way, and would come back
    form = asked.read(request.POST)
    reason = request.POST.get(REASON, "")
    saving = keep_draft(approval, user=request.user, question=asked, form=form, reason=reason)
    return unchanged() if saving is Saving.SAVED else HttpResponse(status=_STATUSES[saving])


@require_POST
@reviewers_only
def discard_draft(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    drafts.drop_draft(approval, user=request.user)
    drop_uploads(approval, user=request.user)
    messages.info(request, "Your draft was deleted.")
    return redirect("approval", approval.pk)
