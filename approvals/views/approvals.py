"""An approval's page: what is asked, the form that answers it, and what became of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.answering.outlook import read_outlook
from approvals.answering.panels import read_panel
from approvals.answering.prefill import Restored, carry_form, fill_in, find_earlier, restore
from approvals.answering.questions import Question, attach_refusal, mark_description, read_question
from approvals.answering.unsent import (
    ASKED,
    carry_answer,
    describe_draft,
    find_asked,
    keep_draft,
    mark_files,
    read_unsent,
)
from approvals.models import Approval, Vote
from approvals.remote.snapshots import refresh_snapshot
from approvals.remote.warnings import list_warnings
from approvals.schemaforms import Form, JSONValue, has_secrets
from approvals.services import artifacts, drafts, held_votes, holding, inbox, votes
from approvals.services.attempts import find_failed, find_open
from approvals.services.decisions import Decided, Refused, Sent, TooLate, await_verdict
from approvals.services.extending import may_extend
from approvals.services.holding import HoldResult
from approvals.services.presence import name_others
from approvals.services.uploads import ReviewersFiles
from approvals.services.votes import Standing
from approvals.views.accounts import ask_to_log_in
from approvals.views.comments import comments_context
from approvals.views.endings import confirm, ending_context, tell_too_late
from approvals.views.votes import SEEN, has_signed, read_override_reason, tell
from approvals.web.pages import Request, back_query, fragment, reviewers_only, unchanged

# The part of an address that asks for what the same run was told before
EARLIER = "earlier"


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
    away = refresh_snapshot(approval)
    question = read_question(approval)
    if not approval.is_waiting or question.is_arriving:
        return _render(request, approval, question, question.open(), away=away)
    standing = votes.read_standing(approval) if approval.is_guarded else None
    proposed = standing.proposal if standing else None
    context: dict[str, Any] = {"away": away, "standing": standing}
    if proposed is not None and drafts.read_draft(approval, user=request.user) is None:
        return _render(request, approval, question, fill_in(question, proposed.answer), **context)
    earlier = find_earlier(approval, question, user=request.user)
    wanted = request.GET.get(EARLIER, "")
    restored = restore(approval, question, user=request.user, wanted=wanted, earlier=earlier)
    context |= {"restored": restored, "earlier": earlier}
    return _render(request, approval, question, restored.form, **context)


@reviewers_only
def answer_approval(request: Request, approval_id: UUID) -> HttpResponse:
    return _take_answer(request, approval_id, _vote)


@require_POST
@reviewers_only
def override_policy(request: Request, approval_id: UUID) -> HttpResponse:
    """Take an answer against the policy of its approval."""
    return _take_answer(request, approval_id, _override)


def _vote(request: Request, approval: Approval, run_input: JSONValue) -> HoldResult:
    """Answer; where nothing was typed, neither an answer nor a password, it can be undone."""
    seen = request.POST.get(SEEN, "")
    is_signed = approval.is_guarded and has_signed(request)
    if not approval.asks_for_input and not is_signed:
        return holding.hold_answer(approval, user=request.user, seen=seen)
    return votes.answer_approval(
        approval, user=request.user, run_input=run_input, seen=seen, is_signed=is_signed
    )


def _override(request: Request, approval: Approval, run_input: JSONValue) -> HoldResult:
    reason = read_override_reason(request)
    return votes.override_policy(approval, user=request.user, reason=reason, run_input=run_input)


def _take_answer(
    request: Request,
    approval_id: UUID,
    decide: Callable[[Request, Approval, JSONValue], HoldResult],
) -> HttpResponse:
    approval = inbox.get_approval_for(request.user, approval_id)
    refresh_snapshot(approval)
    question = read_question(approval)
    asked = find_asked(approval, question, request.POST.get(ASKED, ""))
    files = ReviewersFiles(approval, request.user)
    form = asked.read(request.POST, request.FILES, files) if asked else question.open()
    unsent = read_unsent(asked or question, form)
    if not approval.is_waiting:
        return tell_too_late(request, approval, unsent)
    if question.is_arriving or asked is not question:
        return _show_changed(request, approval, question, asked or question, form)
    if form.operation or not form.is_valid:
        return _show_kept(request, approval, question, form)
    result = decide(request, approval, form.value)
    if isinstance(result, Sent):
        keep_draft(approval, user=request.user, question=question, form=form)
        result = await_verdict(approval, user=request.user)
    return _tell_result(request, approval, question, form, result)


def _tell_result(
    request: Request, approval: Approval, question: Question, form: Form, result: HoldResult
) -> HttpResponse:
    if isinstance(result, Refused):
        attach_refusal(form, result)
        return _show_kept(request, approval, question, form)
    if isinstance(result, TooLate):
        return tell_too_late(request, result.approval, read_unsent(question, form))
    if isinstance(result, Decided):
        return confirm(request, approval, "Your answer is on its way. The flow goes on.")
    if isinstance(result, Sent):
        return redirect("approval", approval.pk)
    return tell(request, approval, result)


def _show_changed(
    request: Request, approval: Approval, question: Question, asked: Question, form: Form
) -> HttpResponse:
    """Show what is asked now, with what was typed into the page as far as it fits."""
    keep_draft(approval, user=request.user, question=asked, form=form)
    if question.is_arriving:
        return redirect("approval", approval.pk)
    files = ReviewersFiles(approval, request.user)
    carried, changes = carry_form(form, question, files)
    restored = Restored(form=carried, changes=changes)
    return _render(request, approval, question, carried, restored=restored, status=409)


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
    asked = find_asked(approval, question, request.POST.get(ASKED, ""))
    if asked is None:
        return redirect("approval", approval.pk)
    form = asked.read(mark_files(request.POST, request.FILES), store=files)
    restored = None
    if asked is not question:
        form, changes = carry_form(form, question, files)
        restored = Restored(form=form, changes=changes)
    context: dict[str, Any] = {"restored": restored, "is_unproven": True}
    return _render(request, approval, question, form, status=403, **context)


@require_safe
@fragment
def show_approval_state(request: Request, approval_id: UUID) -> HttpResponse:
    """Say what became of an approval while its page is open; 204 while it waits as before."""
    approval = inbox.get_approval_for(request.user, approval_id)
    if "mine" in request.GET:
        return _await_effect(request, approval)
    if approval.is_waiting and "arriving" in request.GET:
        return _arrive(approval)
    if "sent" in request.GET:
        return unchanged() if find_open(approval) else _load_again()
    if approval.is_waiting:
        return _tell_news(request, approval)
    context = ending_context(request, approval)
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


def _arrive(approval: Approval) -> HttpResponse:
    """Have the page load itself again once the form is there; nothing can be typed before."""
    refresh_snapshot(approval)
    return unchanged() if read_question(approval).is_arriving else _load_again()


def _await_effect(request: Request, approval: Approval) -> HttpResponse:
    """Have the page load itself again once the reader's own decision has taken effect, or not."""
    held = held_votes.list_held([approval]).get(approval.pk, [])
    return unchanged() if _find_own(request, held) else _load_again()


def _find_own(request: Request, held: list[Vote]) -> Vote | None:
    return next((vote for vote in held if vote.reviewer_id == request.user.pk), None)


def _load_again() -> HttpResponse:
    response = HttpResponse()
    response["HX-Refresh"] = "true"
    return response


def _tell_news(request: Request, approval: Approval) -> HttpResponse:
    """Bring a description that came, or was changed, after the page; the form stays as it is."""
    mark = mark_description(approval)
    others = _name_others(request, approval)
    held = held_votes.list_held([approval]).get(approval.pk, [])
    context = {"approval": approval, "mark": mark, "others": others, "held": held}
    if request.GET.get("shown", mark) == mark:
        company = [*others, *(str(vote.pk) for vote in held)]
        if request.GET.get("with", "") == ",".join(company):
            return unchanged()
        return render(request, "approvals/approval.html#company", context)
    context |= {
        "question": read_question(approval),
        "panel": read_panel(approval, user=request.user),
    }
    return render(request, "approvals/approval.html#news", context)


def _name_others(request: Request, approval: Approval) -> list[str]:
    """Return who else has the approval open."""
    return name_others([approval], user=request.user).get(approval.pk, [])


def _render(
    request: Request,
    approval: Approval,
    question: Question,
    form: Form,
    *,
    status: int = 200,
    standing: Standing | None = None,
    **extra: Any,
) -> HttpResponse:
    if standing is None and approval.is_guarded:
        standing = votes.read_standing(approval)
    draft = drafts.read_draft(approval, user=request.user)
    held = held_votes.list_held([approval]).get(approval.pk, [])
    panel = read_panel(approval, user=request.user, standing=standing)
    context = {
        **ending_context(request, approval, is_done=_find_own(request, held) is not None),
        "held": held,
        "my_held": _find_own(request, held),
        "failed": held_votes.find_failed(approval, user=request.user),
        "draft": draft,
        "unsent_values": []
        if approval.is_waiting or draft is None
        else describe_draft(approval, draft),
        "question": question,
        "mark": mark_description(approval, question, standing),
        "others": _name_others(request, approval),
        "here": back_query(reverse("approval", args=[approval.pk])),
        "form": form,
        "panel": panel,
        "outlook": read_outlook(approval),
        "may_hand_over": panel is None or panel.may_answer,
        "run": inbox.read_run_of(approval),
        "may_extend": may_extend(approval, user=request.user),
        "warnings": list_warnings(approval, asks_for_secrets=has_secrets(question.schema)),
        "attempt": find_open(approval) if approval.is_waiting else None,
        "failed_attempt": (
            find_failed(approval, user=request.user) if approval.is_waiting else None
        ),
        "artifacts": artifacts.read_artifacts_of(approval),
        **comments_context(request, approval),
        **extra,
    }
    return render(request, "approvals/approval.html", context, status=status)
