"""Logging in, without losing what was typed when a session ended."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from approvals.answering.unsent import keep_carried

_TEMPLATE = "registration/login.html"


def log_in(request: HttpRequest) -> HttpResponseBase:
    """Log in; what the page has carried from a form is put back into that form."""
    carried = request.POST.get("carried", "")
    view = LoginView.as_view(
        template_name=_TEMPLATE,
        redirect_authenticated_user=True,
        extra_context={"carried": carried},
    )
    response = view(request)
    if carried and isinstance(response, HttpResponseRedirect) and request.user.is_authenticated:
        keep_carried(request.user, urlsplit(response.url).path, carried)
    return response


def log_in_again(request: HttpRequest) -> HttpResponse:
    """Answer a login from a page that was open before another login in the same browser."""
    goal, carried = request.POST.get("next", ""), request.POST.get("carried", "")
    if not url_has_allowed_host_and_scheme(goal, allowed_hosts={request.get_host()}):
        goal = resolve_url(settings.LOGIN_REDIRECT_URL)
    if request.user.is_authenticated:
        keep_carried(request.user, urlsplit(goal).path, carried)
        return HttpResponseRedirect(goal)
    form = AuthenticationForm(request)
    context = {"form": form, "next": goal, "carried": carried, "was_stale": True}
    return render(request, _TEMPLATE, context, status=403)


def ask_to_log_in(request: HttpRequest, carried: str) -> HttpResponse:
    """Ask whoever posted a form after their session had ended to log in, and carry the form."""
    context = {
        "form": AuthenticationForm(request),
        "next": request.path,
        "carried": carried,
        "was_logged_out": True,
        "files": [file.name for key in request.FILES for file in request.FILES.getlist(key)],
    }
    return render(request, _TEMPLATE, context, status=401)
