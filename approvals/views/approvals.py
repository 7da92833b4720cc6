"""An approval's page: what is asked, the form that answers it, and what became of it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from approvals.forms import (
    Question,
    describe_decision,
    find_reason_problem,
    read_question,
)
from approvals.http import Request, fragment, reviewers_only, unchanged
from approvals.models import Approval, Draft
from approvals.schemaforms import Form
from approvals.services import decisions, drafts, inbox
from approvals.services.decisions import Decided, Refused, TooLate
from approvals.services.drafts import LEFTOVERS_KEPT, Typed
from approvals.services.uploads import ReviewersFiles
from approvals.typed import (
    carry_answer,
    carry_reason,
    describe_draft,
    describe_typed,
    keep_draft,
    mark_files,
    read_typed,
    restore_form,
)
from approvals.views.accounts import ask_to_log_in


@require_http_methods(["GET", "HEAD", "POST"])
def approval_page(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Show an approval, or take its answer; one that is sent too late for its session is kept."""
    if request.method != "POST":
        return show_approval(request, approval_id)
    if not request.user.is_authenticated:
        return ask_to_log_in(request, carry_answer(request, approval_id))
    return answer_approval(request, approval_id)


@reviewers_only
def show_approval(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    question = read_question(approval)
    draft = drafts.read_draft(approval, user=request.user)
    fields = drafts.read_fields(draft) if draft else []
    form = restore_form(question, fields, ReviewersFiles(approval, request.user))
    return _render(request, approval, question, form, draft=draft)


@reviewers_only
def answer_approval(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    question = read_question(approval)
    if question.is_arriving:
        return redirect("approval", approval.pk)
    files = ReviewersFiles(approval, request.user)
    form = question.read(request.POST, request.FILES, files)
    if not approval.is_waiting:
        return _tell_too_late(request, approval, read_typed(question, form))
    if form.operation or not form.is_valid:
        return _show_kept(request, approval, question, form)
    result = decisions.answer_approval(approval, user=request.user, run_input=form.value)
    match result:
        case Decided():
            return _confirm(request, approval, "Your answer is on its way. The flow goes on.")
        case Refused(reason, problems):
            form.attach(problems or [((), reason)])
            return _show_kept(request, approval, question, form)
        case TooLate(ended):
            return _tell_too_late(request, ended, read_typed(question, form))


def _show_kept(
    request: Request, approval: Approval, question: Question, form: Form
) -> HttpResponse:
    """Show a form that is not sent yet, and keep it for whoever leaves the page now."""
    keep_draft(approval, user=request.user, question=question, form=form)
    return _render(request, approval, question, form, status=200 if form.operation else 422)


@reviewers_only
def show_again(request: Request, approval_id: UUID) -> HttpResponse:
    """Show what was posted without acting on it, because nothing proves who sent it."""
    approval = inbox.get_approval_for(request.user, approval_id)
    question = read_question(approval)
    files = ReviewersFiles(approval, request.user)
    form = question.read(mark_files(request.POST, request.FILES), store=files)
    return _render(request, approval, question, form, is_unproven=True, status=403)


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
    context = {"approval": approval, "reason": draft.reason if draft else ""}
    return render(request, "approvals/reject.html", context)


@reviewers_only
def reject_approval(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    reason = request.POST.get("reason", "").strip()
    if not approval.is_waiting:
        return _tell_too_late(request, approval, Typed(reason=reason))
    if problem := find_reason_problem(reason):
        return _ask_reason_again(request, approval, problem)
    result = decisions.reject_approval(approval, user=request.user, reason=reason)
    match result:
        case Decided():
            return _confirm(request, approval, "Rejected. The flow has been told your reason.")
        case Refused(why):
            return _ask_reason_again(request, approval, why)
        case TooLate(ended):
            return _tell_too_late(request, ended, Typed(reason=reason))


@require_safe
@fragment
def show_approval_state(request: Request, approval_id: UUID) -> HttpResponse:
    """Say what became of an approval while its page is open; 204 while it waits as before."""
    approval = inbox.get_approval_for(request.user, approval_id)
    if approval.is_waiting:
        return _arrive(approval) if "arriving" in request.GET else unchanged()
    context = _ending_context(request, approval)
    return render(request, "approvals/approval.html#ending", context)


@require_safe
@fragment
def show_options(request: Request, approval_id: UUID) -> HttpResponse:
    """Show the options of a form's search field that match what is typed there."""
    approval = inbox.get_approval_for(request.user, approval_id)
    found = read_question(approval).find_options(request.GET)
    if found is None:
        raise Http404("No such search field.")
    return HttpResponse(found)


@require_safe
@reviewers_only
def show_description(request: Request, approval_id: UUID) -> HttpResponse:
    """The description as the flow wrote it, however long."""
    approval = inbox.get_approval_for(request.user, approval_id)
    text = read_question(approval).description
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def show_reason_again(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Show a typed reason without acting on it, because nothing proves who sent it."""
    return _show_reason_again(request, approval_id)


@reviewers_only
def _show_reason_again(request: Request, approval_id: UUID) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    problem = "This page was out of date, so nothing was sent. Please press Reject again."
    return _ask_reason_again(request, approval, problem, status=403)


def _arrive(approval: Approval) -> HttpResponse:
    """Have the page load itself again once the form is there; nothing can be typed before."""
    if read_question(approval).is_arriving:
        return unchanged()
    response = HttpResponse()
    response["HX-Refresh"] = "true"
    return response


def _render(
    request: Request,
    approval: Approval,
    question: Question,
    form: Form,
    *,
    status: int = 200,
    draft: Draft | None = None,
    **extra: Any,
) -> HttpResponse:
    context = {
        **_ending_context(request, approval),
        "draft": draft,
        "typed": [] if approval.is_waiting or draft is None else describe_draft(approval, draft),
        "question": question,
        "form": form,
        "run": inbox.read_run(approval.flow_run_id, connector=approval.connector),
        **extra,
    }
    return render(request, "approvals/approval.html", context, status=status)


def _ending_context(request: Request, approval: Approval) -> dict[str, Any]:
    """Return what is told of an approval that has ended: by whom, with what, what is next."""
    decision = getattr(approval, "decision", None)
    return {
        "approval": approval,
        "decision": decision,
        "rows": describe_decision(decision) if decision else [],
        "kept_days": LEFTOVERS_KEPT.days,
        "next": None if approval.is_waiting else inbox.next_waiting(request.user, after=approval),
    }


def _confirm(request: Request, approval: Approval, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("approval", approval.pk)


def _tell_too_late(request: Request, approval: Approval, typed: Typed) -> HttpResponse:
    """Say who was first; whoever decided it themselves has only pressed twice."""
    decision = getattr(approval, "decision", None)
    if decision is not None and decision.reviewer_id == request.user.pk:
        messages.info(request, "You have already decided this one. Nothing was sent twice.")
        return redirect("approval", approval.pk)
    draft = drafts.save_leftover(approval, user=request.user, typed=typed)
    context = {
        **_ending_context(request, approval),
        "draft": draft,
        "typed": describe_draft(approval, draft) if draft else describe_typed(typed),
    }
    return render(request, "approvals/too_late.html", context, status=409)


def _ask_reason_again(
    request: Request, approval: Approval, problem: str, *, status: int = 422
) -> HttpResponse:
    reason = request.POST.get("reason", "").replace("\x00", "")
    context = {"approval": approval, "reason": reason, "problem": problem}
    return render(request, "approvals/reject.html", context, status=status)
