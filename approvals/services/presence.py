"""Who has an approval open at this moment; it locks nobody out and is forgotten by itself."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.models import Approval, Presence
from flowruns.models.prepared import PreparedQuery

# How long a page counts as open without a word of it; pages report every 20 seconds
FRESH = timedelta(seconds=50)

_WRITTEN_EVERY = timedelta(seconds=15)
_of_active = Presence.objects.filter(user__is_active=True)
_presences = PreparedQuery(
    _of_active.select_related("user").only("approval", "user__username").order_by("user__username"),
    by=("seen_at__gt", "approval__in"),
)


def note_presence(approval: Approval, *, user: User) -> None:
    """Note that a user has the page open: one row a user, written every 15 seconds at most."""
    now = datetime.now(UTC)
    mine = Presence.objects.filter(approval=approval, user=user)
    if not approval.is_waiting or mine.filter(seen_at__gt=now - _WRITTEN_EVERY).exists():
        return
    Presence.objects.bulk_create(
        [Presence(approval=approval, user=user, seen_at=now)],
        update_conflicts=True,
        unique_fields=["approval", "user"],
        update_fields=["seen_at"],
    )


def delete_presence(approval: Approval) -> None:
    """Forget who has an approval open, because it has ended."""
    Presence.objects.filter(approval=approval).delete()


def list_fresh() -> QuerySet[Presence]:
    """Return who has what open now."""
    return _of_active.filter(seen_at__gt=datetime.now(UTC) - FRESH)


def name_others(approvals: Iterable[Approval], *, user: User) -> dict[UUID, list[str]]:
    """Return who else has these approvals open, by name; the reader may see all of them."""
    waiting = [approval.pk for approval in approvals if approval.is_waiting]
    others: dict[UUID, list[str]] = {}
    for each in _presences.find_all(datetime.now(UTC) - FRESH, waiting):
        if each.user_id != user.pk:
            others.setdefault(each.approval_id, []).append(each.user.get_username())
    return others
