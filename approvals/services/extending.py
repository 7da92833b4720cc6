"""More time to answer what a run asks that is suspended, or paused by our SDK."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from approvals.models import Approval
from approvals.services.decisions import Refused, TooLate, too_late
from approvals.services.drafts import hold_waiting
from approvals.services.filters import find_neglected_at
from approvals.services.plans import move_steps
from approvals.services.sources import find_source

EXTEND = "approvals.extend_deadline"
MAX_EXTENSION = timedelta(days=31)
_CANNOT = (
    "This run gets no more time: it is about to end, or its process waits by a clock of its own, as"
    " Prefect's does."
)


def may_extend(approval: Approval, *, user: User) -> bool:
    """Whether a user may move the deadline of an approval, and whoever waits would hear of it."""
    if not approval.is_waiting or approval.expires_at is None or not user.has_perm(EXTEND):
        return False
    return find_source(approval).may_extend_pause(
        approval.flow_run_id, pause_state_id=approval.pause_state_id
    )


def extend_deadline(
    approval: Approval, *, user: User, by: timedelta
) -> datetime | Refused | TooLate:
    """Move the deadline of an approval; returns the new one, in UTC."""
    if not user.has_perm(EXTEND):
        return Refused("You may not extend deadlines.")
    if not timedelta() < by <= MAX_EXTENSION:
        return Refused(f"A deadline moves by {MAX_EXTENSION.days} days at most.")
    with transaction.atomic():
        if not hold_waiting(approval):
            return too_late(approval)
        approval.refresh_from_db()
        if approval.expires_at is None:
            return Refused("It has no deadline.")
        deadline = approval.expires_at.astimezone(UTC) + by
        connector = find_source(approval)
        if not connector.extend_pause(
            approval.flow_run_id, pause_state_id=approval.pause_state_id, deadline=deadline
        ):
            return Refused(_CANNOT)
        approval.expires_at = deadline
        approval.neglected_at = find_neglected_at(approval.opened_at, deadline)
        approval.extended_by = user.get_username()
        approval.save(update_fields=["expires_at", "neglected_at", "extended_by"])
        move_steps(approval)
    return deadline
