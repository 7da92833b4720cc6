"""Which votes are held: given, and not yet in effect."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.auth.models import User

from approvals.models import HELD, Approval, Vote


def list_held(approvals: Sequence[Approval]) -> dict[UUID, list[Vote]]:
    """Return what is held of each approval that waits, who was first before the others."""
    waiting = [approval.pk for approval in approvals if approval.is_waiting]
    found: dict[UUID, list[Vote]] = {}
    if waiting:
        held = Vote.objects.filter(HELD, approval__in=waiting)
        for vote in held.order_by("takes_effect_at", "id"):
            found.setdefault(vote.approval_id, []).append(vote)
    return found


def find_failed(approval: Approval, *, user: User) -> Vote | None:
    """Return the user's last vote, if it was held and came to nothing."""
    last = approval.votes.filter(reviewer=user, takes_effect_at__isnull=False).order_by("-at")
    vote = last.first()
    return vote if approval.is_waiting and vote is not None and vote.voided_at else None
