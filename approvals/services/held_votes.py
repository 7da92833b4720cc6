"""Which votes are held: given, and not yet in effect."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User

from approvals.models import HELD, Approval, Vote
from flowruns.models.prepared import PreparedQuery

_held = PreparedQuery(
    Vote.objects.filter(HELD).order_by("takes_effect_at", "id"), by="approval__in"
)
_ever_held = PreparedQuery(
    Vote.objects.filter(takes_effect_at__isnull=False).order_by("-at"),
    by=("approval", "reviewer"),
    most=1,
)


def list_held(approvals: Sequence[Approval]) -> dict[UUID, list[Vote]]:
    """Return what is held of each approval that waits, who was first before the others."""
    waiting = [approval.pk for approval in approvals if approval.is_waiting]
    found: dict[UUID, list[Vote]] = {}
    for vote in _held.find_all(waiting):
        found.setdefault(vote.approval_id, []).append(vote)
    return found


def find_failed(approval: Approval, *, user: User) -> Vote | None:
    """Return the user's last vote, if it was held and came to nothing."""
    last = _ever_held.find(approval.pk, user.pk) if approval.is_waiting else None
    return last if last is not None and last.voided_at else None
