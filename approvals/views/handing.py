"""Not deciding: an approval is handed to somebody else, or put off until tomorrow."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.messages.timing import read_hours, read_profile
from approvals.models import HandOver
from approvals.policies.hours import next_opening, recall_zone
from approvals.services import handing, inbox
from approvals.services.decisions import Refused, TooLate
from approvals.services.drafts import Unsent
from approvals.services.extending import extend_deadline
from approvals.views.endings import tell_too_late
from approvals.web.pages import Request, reviewers_only


@require_POST
@reviewers_only
def hand_over(request: Request, approval_id: UUID) -> HttpResponse:
    """Ask somebody else, too, with a note."""
    approval = inbox.get_approval_for(request.user, approval_id)
    typed = {
        name: request.POST.get(name, "").replace("\x00", "").strip() for name in ("to", "note")
    }
    match handing.hand_over(approval, by=request.user, **typed):
        case HandOver(to_name=name):
            messages.success(request, f"It waits for {name}, too.")
        case Refused(why):
            messages.error(request, why)
        case TooLate(ended):
            return tell_too_late(request, ended, Unsent())
    return redirect("approval", approval.pk)


@require_POST
@reviewers_only
def put_off(request: Request, approval_id: UUID) -> HttpResponse:
    """Take an approval out of one's own list until tomorrow; nobody is told."""
    approval = inbox.get_approval_for(request.user, approval_id)
    match handing.put_off(approval, user=request.user, until=_find_tomorrow(request.user)):
        case Refused(why):
            messages.error(request, why)
            return redirect("approval", approval.pk)
        case TooLate(ended):
            return tell_too_late(request, ended, Unsent())
    messages.success(request, "Put off. It is back in your list tomorrow, or before it ends.")
    return redirect("inbox")


@require_POST
@reviewers_only
def extend(request: Request, approval_id: UUID) -> HttpResponse:
    """Move the deadline of a run that waits by some days."""
    approval = inbox.get_approval_for(request.user, approval_id)
    text = request.POST.get("days", "")
    days = int(text) if text.isdecimal() and len(text) < 3 else 0
    match extend_deadline(approval, user=request.user, by=timedelta(days=days)):
        case Refused(why):
            messages.error(request, why)
        case TooLate(ended):
            return tell_too_late(request, ended, Unsent())
        case _:
            messages.success(request, "There is more time to answer.")
    return redirect("approval", approval.pk)


def _find_tomorrow(user: User) -> datetime:
    """Return when a user's next day begins: with their working hours where they have some."""
    profile = read_profile(user)
    zone, hours = recall_zone(profile.zone), read_hours(profile)
    day = datetime.now(zone).date() + timedelta(days=1)
    midnight = datetime.combine(day, time.min, zone).astimezone(UTC)
    return next_opening(hours, midnight) if hours else midnight
