"""Pages for requests that went wrong."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from approvals.http import is_from_here
from approvals.typed import carry_answer, carry_reason
from approvals.views.accounts import ask_to_log_in, log_in_again
from approvals.views.approvals import show_again
from approvals.views.rejections import show_reason_again


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form without our token; one that our own page sent is shown again as typed."""
    if is_from_here(request):
        try:
            if answer := _show_what_was_typed(request):
                return answer
        except Http404:
            pass
    return render(request, "403_csrf.html", {"reason": reason}, status=403)


def _show_what_was_typed(request: HttpRequest) -> HttpResponse | None:
    match = request.resolver_match
    if match is not None and match.url_name == "login":
        return log_in_again(request)
    if match is None or match.url_name not in {"approval", "reject"}:
        return None
    approval_id, is_answer = match.kwargs["approval_id"], match.url_name == "approval"
    if request.user.is_authenticated:
        return (show_again if is_answer else show_reason_again)(request, approval_id)
    carried = carry_answer(request, approval_id) if is_answer else carry_reason(request.POST)
    return ask_to_log_in(request, carried)
