"""Handing an approval to somebody else, or putting it off, without deciding it."""

from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.db import transaction

from approvals.models import Approval, HandOver, PutOff, Step
from approvals.services.decisions import Refused, TooLate, too_late
from approvals.services.drafts import hold_waiting
from approvals.services.plans import plan_last_call_again
from approvals.services.seats import add_person
from approvals.services.votes import explain, read_standing

MAX_NOTE = 500  # characters


def hand_over(
    approval: Approval, *, by: User, to: str, note: str = ""
) -> HandOver | Refused | TooLate:
    """Let another person, too, take the seat that is there for who hands it over."""
    receiver = User.objects.filter(username=to, is_active=True).first()
    if receiver is None or receiver == by:
        return Refused("Name somebody else who may log in.")
    with transaction.atomic():
        if not hold_waiting(approval):
            return too_late(approval)
        approval.refresh_from_db()
        standing = read_standing(approval)
        if approval.is_guarded and not standing.may_answer(by):
            return Refused(explain(approval, standing, by))
        if approval.is_guarded and not standing.may_answer(receiver):
            add_person(approval, by=by, to=receiver)
            plan_last_call_again(approval)
            if not read_standing(approval).may_answer(receiver):
                transaction.set_rollback(True)
                return Refused(f"{receiver} may not answer this.")
        return HandOver.objects.create(
            approval=approval,
            by_name=by.get_username(),
            to_name=receiver.get_username(),
            note=note[:MAX_NOTE],
        )


def put_off(approval: Approval, *, user: User, until: datetime) -> datetime | Refused | TooLate:
    """Hide an approval from a user's own list; returns until when: its last call at the latest."""
    if not approval.is_waiting:
        return too_late(approval)
    calls = approval.steps.filter(kind=Step.Kind.LAST_CALL, taken_at__isnull=True)
    last_call = calls.values_list("at", flat=True).first() or approval.expires_at
    moment = min(until, last_call) if last_call else until
    if moment <= datetime.now(UTC):
        return Refused("It ends too soon to be put off.")
    PutOff.objects.update_or_create(approval=approval, user=user, defaults={"until": moment})
    return moment
