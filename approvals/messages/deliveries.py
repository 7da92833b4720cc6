"""What was sent, waits or is dead, for the staff: of approvals that the reader may see."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import Approval, Notification
from approvals.services.inbox import visible_to

PAGE_SIZE = 50
# Beyond that nobody needs the exact number, and counting would take long.
MAX_COUNTED = 1_000
Outcome = Notification.Outcome


def list_deliveries(
    reader: User, *, outcome: str = "", before: UUID | None = None
) -> list[Notification]:
    """Return one page and one row more if there is one, the newest first."""
    found = deliveries_seen_by(reader)
    if outcome in Outcome.values:
        found = found.filter(outcome=outcome)
    if before is not None:
        found = found.filter(pk__lt=before)
    related = found.select_related("approval", "channel__user")
    return list(related.order_by("-id")[: PAGE_SIZE + 1])


def count_deliveries(reader: User) -> dict[Outcome, int]:
    """Count what has each outcome, up to `MAX_COUNTED`."""
    seen = deliveries_seen_by(reader)
    return {each: seen.filter(outcome=each)[:MAX_COUNTED].count() for each in Outcome}


def count_untold(reader: User) -> int:
    """Count what waits and nobody was told of, nor will be."""
    told = Notification.objects.filter(
        approval=OuterRef("pk"),
        kind=Notification.Kind.WAITS,
        outcome__in=[Outcome.WAITING, Outcome.SENT],
    )
    waiting = visible_to(reader).filter(outcome=Approval.Outcome.WAITING)
    return waiting.exclude(Exists(told))[:MAX_COUNTED].count()


def deliveries_seen_by(reader: User) -> QuerySet[Notification]:
    """Return the rows that a reader may see."""
    of_seen = Q(approval__in=visible_to(reader).values("pk"))
    return Notification.objects.filter(of_seen | Q(approval__isnull=True))
