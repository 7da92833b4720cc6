"""Pages for requests that went wrong."""

import sys
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from approvals.answering.unsent import carry_answer, carry_reason
from approvals.views.accounts import ask_to_log_in, log_in_again
from approvals.views.approvals import show_again
from approvals.views.comments import show_comment_again
from approvals.views.rejections import show_reason_again
from approvals.web.pages import is_from_here

_MAX_HOST = 100
_RETRY_AFTER_SECONDS = "2"
_DATABASE_AWAY = "The database is not available."
_OUR_FAULT = "The server failed; its log says why."

type Answer = Callable[[HttpRequest], HttpResponse]


def explain_refused_methods(get_response: Answer) -> Answer:
    """Put a page in the place of the empty answer to an address that is opened the wrong way."""

    def explain(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        return _explain_method(request, response) if _is_bare(response) else response

    return explain


def _is_bare(response: HttpResponse) -> bool:
    return response.status_code == 405 and not response.streaming and not response.content


def _explain_method(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    page = render(request, "405.html", status=405)
    page["Allow"] = response["Allow"]
    return page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say what could not be read: a host that is not ours, or what a browser sent."""
    if _find_outage(exception):  # a session that could not be stored, as Django tells it
        return _tell_outage(request)
    is_wrong_host = isinstance(exception, DisallowedHost)
    if is_wrong_host and _is_of_api(request):
        return JsonResponse({"detail": str(exception)}, status=400)
    # Without the request, whose host the page would ask for
    page = "wrong_host.html" if is_wrong_host else "400.html"
    host = request.META.get("HTTP_HOST", "")[:_MAX_HOST]
    return HttpResponse(render_to_string(page, {"host": host}), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours, or that the database is away for the moment."""
    if _find_outage(sys.exc_info()[1]):
        return _tell_outage(request)
    if _is_of_api(request):
        return JsonResponse({"detail": _OUR_FAULT}, status=500)
    return HttpResponse(render_to_string("500.html"), status=500)


def _find_outage(error: BaseException | None) -> BaseException | None:
    """Return what the database raised that cannot be used now, if that lies behind an error."""
    while error is not None and not isinstance(error, OperationalError | InterfaceError):
        error = error.__context__
    return error


def _tell_outage(request: HttpRequest) -> HttpResponse:
    if _is_of_api(request):
        response: HttpResponse = JsonResponse({"detail": _DATABASE_AWAY}, status=503)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response.headers["Retry-After"] = _RETRY_AFTER_SECONDS
    return response


def _is_of_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


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
    if match is not None and match.url_name == "write_comment" and "HX-Request" in request.headers:
        return show_comment_again(request, **match.kwargs)
    if match is None or match.url_name not in {"approval", "reject"}:
        return None
    approval_id, is_answer = match.kwargs["approval_id"], match.url_name == "approval"
    if request.user.is_authenticated:
        return (show_again if is_answer else show_reason_again)(request, approval_id)
    carried = carry_answer(request, approval_id) if is_answer else carry_reason(request.POST)
    return ask_to_log_in(request, carried)
