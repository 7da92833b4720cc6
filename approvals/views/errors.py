"""Pages for requests that went wrong."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import cast

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware

from approvals.http import is_from_here
from approvals.typed import carry_answer, carry_reason
from approvals.views.accounts import ask_to_log_in, log_in_again
from approvals.views.approvals import show_again
from approvals.views.rejections import show_reason_again

type Answer = Callable[[HttpRequest], HttpResponse]
type AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponse]]


@sync_and_async_middleware
def explain_refused_methods(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Put a page in the place of the empty answer to an address that is opened the wrong way."""
    if iscoroutinefunction(get_response):
        answer_later = cast("AsyncAnswer", get_response)

        async def explain_later(request: HttpRequest) -> HttpResponse:
            response = await answer_later(request)
            if _is_bare(response):
                return await sync_to_async(_explain_method)(request, response)
            return response

        return explain_later
    answer = cast("Answer", get_response)

    def explain(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        return _explain_method(request, response) if _is_bare(response) else response

    return explain


def _is_bare(response: HttpResponse) -> bool:
    return response.status_code == 405 and not response.streaming and not response.content


def _explain_method(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    page = render(request, "405.html", status=405)
    page["Allow"] = response["Allow"]
    return page


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
