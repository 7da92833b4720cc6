"""Deciding several approvals of the inbox at once: confirmed first, and told one by one."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from approvals.answering.questions import find_reason_problem
from approvals.services import bulk, holding
from approvals.services.bulk import MOST, BulkResult, Pick, Verb
from approvals.web.pages import Request, read_back, reviewers_only

CHOSEN = "chosen"
PICKED = "picked"


@require_http_methods(["GET", "POST"])
@reviewers_only
def decide_several(request: Request) -> HttpResponse:
    """Ask whether what is chosen is to be decided; decide it where that is confirmed."""
    picks, verb = _read_picks(request), _read_verb(request)
    if not picks or verb is None:
        return redirect(read_back(request).address)
    if len(picks) > MOST:
        messages.error(request, f"Choose {MOST} at most; {len(picks)} were chosen.")
        return redirect(read_back(request).address)
    if "confirmed" not in request.POST:
        return _ask(request, picks, verb)
    reason = request.POST.get("reason", "").strip()
    problem = find_reason_problem(reason) if verb is Verb.REJECT else ""
    if problem:
        return _ask(request, picks, verb, problem=problem)
    results = bulk.decide_all(picks, user=request.user, verb=verb, reason=reason)
    return _show_results(request, results, verb)


@require_POST
@reviewers_only
def undo_several(request: Request) -> HttpResponse:
    """Drop what has not taken effect of what was decided together."""
    picks = _read_picks(request)
    undone = holding.undo([pick.approval_id for pick in picks], user=request.user)
    if undone:
        messages.success(request, f"Undone: {undone} of {len(picks)}.")
    else:
        messages.error(request, "It was too late to undo it: it has taken effect.")
    return redirect(_inbox_with(request, picks))


def _ask(request: Request, picks: Sequence[Pick], verb: Verb, *, problem: str = "") -> HttpResponse:
    choices = bulk.read_choices(picks, user=request.user, verb=verb)
    context = {
        "verb": verb,
        "choices": [choice for choice in choices if not choice.why],
        "left_out": [choice for choice in choices if choice.why],
        "reason": request.POST.get("reason", "").replace("\x00", ""),
        "problem": problem,
        "back": read_back(request),
    }
    return render(request, "approvals/bulk.html", context, status=422 if problem else 200)


def _show_results(request: Request, results: Sequence[BulkResult], verb: Verb) -> HttpResponse:
    held = [result for result in results if result.held_until]
    failed = [result.choice.pick for result in results if result.stays_chosen]
    context = {
        "verb": verb,
        "results": results,
        "done": [result for result in results if not result.why],
        "held": held,
        "held_until": max((r.held_until for r in held if r.held_until), default=None),
        "failed": failed,
        "inbox": _inbox_with(request, failed),
        "back": read_back(request),
    }
    return render(request, "approvals/bulk_results.html", context)


def _inbox_with(request: Request, picks: Sequence[Pick]) -> str:
    """Return the address of the list that was worked through, with these still selected."""
    address = read_back(request).address
    chosen = urlencode([(PICKED, str(pick.approval_id)) for pick in picks])
    return f"{address}{'&' if '?' in address else '?'}{chosen}" if chosen else address


def _read_picks(request: Request) -> list[Pick]:
    read = (Pick.parse(text) for text in request.POST.getlist(CHOSEN))
    return list({pick.approval_id: pick for pick in read if pick}.values())


def _read_verb(request: Request) -> Verb | None:
    verb = request.POST.get("verb", "")
    return Verb(verb) if verb in list(Verb) else None
