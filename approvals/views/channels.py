"""Where somebody is told beside their mail: in browsers, and as whom of Slack."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import URLValidator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from approvals.messages import linking, push
from approvals.messages.recipients import kinds_in_use
from approvals.models import Channel
from approvals.web.pages import Request, reviewers_only


class SubscriptionForm(forms.Form):
    """What a browser says of its push service."""

    endpoint = forms.CharField(max_length=2_000, validators=[URLValidator(["https"])])
    p256dh = forms.CharField(max_length=200)
    auth = forms.CharField(max_length=100)


@require_safe
def show_service_worker(_: Request) -> HttpResponse:
    """Serve the script that shows messages, from where it may do so for all pages."""
    script = (settings.FILES_DIR / "static" / "sw.js").read_bytes()
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


@require_POST
@reviewers_only
def add_browser(request: Request) -> HttpResponse:
    """Tell somebody in the browser that they use."""
    form = SubscriptionForm(request.POST)
    if not form.is_valid() or Channel.Kind.PUSH not in kinds_in_use():
        return HttpResponse("This is not a subscription.", status=422)
    try:
        push.subscribe(request.user, **form.cleaned_data)
    except ValueError:
        return HttpResponse("Its keys cannot be read.", status=422)
    messages.success(request, "You are told in this browser.")
    return HttpResponse(status=204)


@require_POST
@reviewers_only
def remove_browser(request: Request, channel_id: int) -> HttpResponse:
    push.list_browsers(request.user).filter(pk=channel_id).delete()
    messages.success(request, "You are not told in that browser any more.")
    return redirect("me")


@require_POST
@reviewers_only
def send_code(request: Request) -> HttpResponse:
    """Have Slack bring a code to whom somebody says they are there."""
    member = request.POST.get("member", "").strip().upper()
    if Channel.Kind.SLACK not in kinds_in_use() or not linking.is_member(member):
        messages.error(request, "A member ID of Slack looks like U012AB3CD.")
        return redirect("me")
    linking.send_code(request.user, member)
    messages.success(request, "Slack brings a code to that member. Type it here.")
    return redirect("me")


@require_POST
@reviewers_only
def redeem_code(request: Request) -> HttpResponse:
    """Link somebody with the member of Slack whose code they type."""
    if linking.redeem_code(request.user, request.POST.get("code", "")):
        messages.success(request, "You are told as that member of Slack.")
    else:
        messages.error(request, "This is not the last code, or it is older than 15 minutes.")
    return redirect("me")
