"""Being away: who answers meanwhile, set and removed on one's own page."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.models import Absence
from approvals.services import absences
from approvals.views.me import AbsenceForm, show_preferences
from approvals.web.pages import Request, reviewers_only
from flowruns.domain.actors import reviewer


@require_POST
@reviewers_only
def set_absence(request: Request) -> HttpResponse:
    """Have somebody answer for the user for a while."""
    form = AbsenceForm(request.POST)
    if not form.is_valid() or not _set(request, form):
        return show_preferences(request, away=form, status=422)
    messages.success(request, "Saved. What waits for you waits for them, too, in that time.")
    return redirect("me")


@require_POST
@reviewers_only
def remove_absence(request: Request, absence_id: UUID) -> HttpResponse:
    actor = reviewer(request.user.get_username())
    if absences.remove_absence(absence_id, by=actor, person=request.user):
        messages.success(request, "Removed. Nobody answers for you any more.")
    return redirect("me")


def _set(request: Request, form: AbsenceForm) -> bool:
    chosen = form.cleaned_data
    stand_in = User.objects.filter(username=chosen["stand_in"], is_active=True).first()
    if stand_in is None:
        form.add_error("stand_in", "Nobody who may log in has this name.")
        return False
    try:
        absence = Absence(**{**chosen, "person": request.user, "stand_in": stand_in})
        absences.keep_absence(absence, by=reviewer(request.user.get_username()))
    except absences.AbsenceProblem as problem:
        form.add_error(None, str(problem))
        return False
    return True
