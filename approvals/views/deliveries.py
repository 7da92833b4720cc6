"""What became of messages, for the staff."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.messages import deliveries, delivering
from approvals.messages.recipients import is_telling
from approvals.models import Notification
from approvals.web.pages import Request, reviewers_only


@require_safe
@reviewers_only
def show_deliveries(request: Request) -> HttpResponse:
    _require_staff(request)
    outcome = _read_outcome(request.GET.get("outcome", ""))
    found = deliveries.list_deliveries(
        request.user, outcome=outcome, before=_read_id(request.GET.get("before", ""))
    )
    shown = found[: deliveries.PAGE_SIZE]
    older = {"outcome": outcome, "before": shown[-1].pk} if len(found) > len(shown) else {}
    context = {
        "rows": shown,
        "counts": deliveries.count_deliveries(request.user),
        "most": deliveries.MAX_COUNTED,
        "untold": deliveries.count_untold(request.user),
        "outcome": outcome,
        "older": urlencode(older),
        "is_telling": is_telling(),
    }
    return render(request, "approvals/deliveries.html", context)


@require_POST
@reviewers_only
def send_again(request: Request) -> HttpResponse:
    """Have a dead message tried anew, or all of them where none is named."""
    _require_staff(request)
    seen = deliveries.deliveries_seen_by(request.user)
    if "row" in request.POST:
        seen = seen.filter(pk__in=[each for each in [_read_id(request.POST["row"])] if each])
    if count := delivering.send_again(seen):
        messages.success(request, f"{count} message{'s are' if count > 1 else ' is'} sent again.")
    else:
        messages.error(request, "Only what is dead can be sent again.")
    return redirect("deliveries")


def _require_staff(request: Request) -> None:
    if not request.user.is_staff:
        raise Http404("No such page.")


def _read_outcome(text: str) -> str:
    return text if text in Notification.Outcome.values else ""


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
