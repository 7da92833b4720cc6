"""One's own page: when and where to be told."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from approvals.messages import announcing, linking, preferences
from approvals.messages.push import list_browsers, read_push_key
from approvals.messages.recipients import is_mail_on, kinds_in_use
from approvals.messages.timing import read_hours, read_profile
from approvals.models import Channel, Profile
from approvals.policies.hours import DAYS, recall_zone
from approvals.services import absences
from approvals.services.absences import list_stand_ins
from approvals.web.pages import Request, list_zones, reviewers_only

_MAX_MUTED = 24 * 7  # hours
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class PreferencesForm(forms.Form):
    """Working hours have at least one day where they count at all."""

    zone = forms.ChoiceField(label="Time zone", choices=lambda: [(z, z) for z in list_zones()])
    is_quiet = forms.BooleanField(label="Only in my working hours", required=False)
    days = forms.MultipleChoiceField(
        label="Days",
        required=False,
        choices=list(zip(DAYS, _NAMES, strict=True)),
        widget=forms.CheckboxSelectMultiple,
    )
    begin = forms.TimeField(label="From", required=False)
    end = forms.TimeField(label="To", required=False)
    is_on = forms.BooleanField(label="Send me e-mail", required=False)
    by_slack = forms.BooleanField(label="Send me Slack messages", required=False)

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        wanted = ("days", "begin", "end")
        if cleaned.get("is_quiet") and not all(cleaned.get(name) for name in wanted):
            raise forms.ValidationError("Working hours need at least one day, a begin and an end.")
        return cleaned

    @property
    def hours(self) -> str:
        """Return the working hours as a line, "" for any time."""
        chosen = self.cleaned_data
        if not chosen["is_quiet"]:
            return ""
        return f"{','.join(chosen['days'])} {chosen['begin']:%H:%M}-{chosen['end']:%H:%M}"


class AbsenceForm(forms.Form):
    """From when until when somebody else answers."""

    stand_in = forms.CharField(label="Who answers for you", max_length=150)
    since = forms.DateTimeField(label="From")
    until = forms.DateTimeField(label="Until")
    reason = forms.CharField(label="Why (others may read it)", max_length=200, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@reviewers_only
def show_me(request: Request) -> HttpResponse:
    """Show one's preferences, and keep those that are posted."""
    if request.method != "POST":
        return show_preferences(request)
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return show_preferences(request, form, status=422)
    chosen = form.cleaned_data
    has_slack = Channel.Kind.SLACK in kinds_in_use()
    preferences.save_preferences(
        request.user,
        zone=chosen["zone"],
        hours=form.hours,
        is_on=chosen["is_on"],
        by_slack=chosen["by_slack"] if has_slack else None,
    )
    messages.success(request, "Saved.")
    return redirect("me")


@require_POST
@reviewers_only
def send_test(request: Request) -> HttpResponse:
    """Have a test message sent to oneself."""
    tests = announcing.send_test(request.user)
    if not tests:
        messages.error(request, "There is no way to reach you yet.")
        return redirect("me")
    kinds = " and ".join(sorted({test.channel.get_kind_display() for test in tests}))
    messages.success(request, f"A test goes out ({kinds}). This page says what became of it.")
    return redirect("me")


@require_POST
@reviewers_only
def mute(request: Request) -> HttpResponse:
    """Hold messages back for some hours, or no longer."""
    text = request.POST.get("hours", "")
    hours = min(int(text), _MAX_MUTED) if text.isdecimal() and len(text) < 4 else 0
    preferences.mute(request.user, timedelta(hours=hours))
    messages.success(request, "Muted." if hours else "You are told again.")
    return redirect("me")


def show_preferences(
    request: Request,
    form: PreferencesForm | None = None,
    *,
    away: AbsenceForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show one's own page, with what was typed into one of its forms."""
    kinds = kinds_in_use()
    slack = preferences.find_channel(request.user, Channel.Kind.SLACK)
    context = {
        "form": form or PreferencesForm(initial=_read_initial(request)),
        "is_mail_on": is_mail_on(),
        "is_slack_on": Channel.Kind.SLACK in kinds,
        "is_linked": slack.verified_by == Channel.CODE,
        "code_sent": linking.find_code_sent(request.user),
        "push_key": read_push_key() if Channel.Kind.PUSH in kinds else "",
        "browsers": list_browsers(request.user),
        "muted_until": preferences.find_muted_until(request.user),
        "tests": preferences.list_last_tests(request.user),
        "absences": absences.list_absences(request.user),
        "away": away or AbsenceForm(),
        "others": list_stand_ins(request.user),
        "absent": absences.list_absent(request.user),
    }
    return render(request, "approvals/me.html", context, status=status)


def _read_initial(request: Request) -> dict[str, object]:
    profile = read_profile(request.user)
    hours = read_hours(profile)
    is_said = Profile.objects.filter(user=request.user).exists() or hours is not None
    return {
        "zone": recall_zone(profile.zone).key if is_said else timezone.get_current_timezone_name(),
        "is_quiet": hours is not None,
        "days": [DAYS[day] for day in sorted(hours.days)] if hours else list(DAYS[:5]),
        "begin": f"{hours.begin:%H:%M}" if hours else "09:00",
        "end": f"{hours.end:%H:%M}" if hours else "17:00",
        "is_on": preferences.find_channel(request.user).is_on,
        "by_slack": preferences.find_channel(request.user, Channel.Kind.SLACK).is_on,
    }
