"""Votes that can be undone: a decision of one tap is held for some seconds, and then cast.

A held vote counts for nothing. It is checked when it is given and once more when it takes effect,
each time by the services that every other vote goes through.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from approvals.models import HELD, STANDING, Approval, Decision, Via, Vote
from approvals.services import decisions, votes
from approvals.services.decisions import Decided, Refused, Sent, TooLate
from approvals.services.drafts import hold_waiting
from approvals.services.held_votes import list_held
from approvals.services.origins import coming_by, current_via
from approvals.services.votes import Counted, NotYours, VoteResult
from approvals.signals import approval_waits

# A held vote takes effect at the latest so long before its approval's deadline
_MARGIN = timedelta(seconds=1)
_BATCH = 200
_GONE = "Its voter may no longer log in."
_ENDED = "It had ended before this took effect."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """The vote is there, and can be undone until it takes effect."""

    takes_effect_at: datetime


type HoldResult = VoteResult | Held


def hold_answer(approval: Approval, *, user: User, seen: str = "") -> HoldResult:
    """Approve what needs no form, or agree to what others have answered, in a while.

    `seen` is the mark of what the user looked at, as `votes.answer_approval` has it.
    """
    return _hold(Vote(approval=approval, reviewer=user, kind=Vote.Kind.YES, seen_digest=seen))


def hold_rejection(approval: Approval, *, user: User, reason: str) -> HoldResult:
    """Reject in a while."""
    return _hold(Vote(approval=approval, reviewer=user, kind=Vote.Kind.NO, reason=reason))


def undo(approvals: Iterable[UUID], *, user: User) -> int:
    """Drop what this user has decided of approvals and has not taken effect; returns how many."""
    held = Vote.objects.filter(HELD, approval__in=list(approvals), reviewer=user)
    return held.delete()[0]


def explain_no_undo(approval: Approval, *, user: User) -> str:
    """Say what became of a decision that is not there to be undone any more."""
    own = approval.votes.filter(reviewer=user)
    if Decision.objects.filter(approval=approval, reviewer=user).exists() or (
        own.filter(STANDING).exists()
    ):
        return "It was too late to undo it: it has taken effect."
    fallen = own.exclude(voided_because="").order_by("-at").first()
    if fallen is not None:
        return f"It did not count, so there is nothing to undo. {fallen.voided_because}"
    return "There is nothing to undo: no decision of yours is on its way."


def apply_held_votes() -> int:
    """Cast what is due, before the nearest deadlines first; returns how many took effect."""
    due = Vote.objects.filter(HELD, takes_effect_at__lte=datetime.now(UTC))
    urgent = (F("approval__expires_at").asc(nulls_last=True), "takes_effect_at")
    found = due.select_related("approval", "reviewer").order_by(*urgent)[:_BATCH]
    return sum(_apply(vote) for vote in list(found))


def find_next() -> datetime | None:
    """Return when the next held vote takes effect."""
    held = Vote.objects.filter(HELD).order_by("takes_effect_at")
    return held.values_list("takes_effect_at", flat=True).first()


def _hold(vote: Vote) -> HoldResult:
    approval, user = vote.approval, vote.reviewer
    moment = _find_moment(approval)
    if moment is None:
        return _cast(vote)
    tried = _try(vote)
    if not isinstance(tried, Decided | Counted | Sent):
        return tried
    with transaction.atomic():
        if not hold_waiting(approval):
            return decisions.too_late(approval)
        for held in list_held([approval]).get(approval.pk, []):
            if held.reviewer == user:
                return Held(held.takes_effect_at or moment)
            if not approval.is_guarded:
                return NotYours(f"{held.name} has answered this, which takes effect in a moment.")
        vote.name = user.get_username() if user else ""
        vote.at, vote.takes_effect_at, vote.via = datetime.now(UTC), moment, current_via()
        vote.save(force_insert=True)
    return Held(moment)


def _find_moment(approval: Approval) -> datetime | None:
    """Return when a vote of now takes effect, None for at once."""
    now = datetime.now(UTC)
    moment = now + timedelta(seconds=settings.UNDO_SECONDS)
    if approval.expires_at is not None:
        moment = min(moment, approval.expires_at - _MARGIN)
    return moment if moment > now else None


def _try(vote: Vote) -> VoteResult:
    """Return what would become of a vote, and leave everything as it is."""
    with transaction.atomic():
        result = _cast(vote)
        transaction.set_rollback(True)
    return result


def _apply(vote: Vote) -> bool:
    """Cast a held vote, unless it was undone or another process has taken it."""
    try:
        with transaction.atomic():
            if vote.approval.is_guarded:  # in the order in which whoever votes meanwhile locks
                hold_waiting(vote.approval)
            taken, _ = Vote.objects.filter(HELD, pk=vote.pk).delete()
            if not taken:
                return False
            with coming_by(Via(vote.via)):
                result = _cast(vote)
            if isinstance(result, Decided | Counted | Sent):
                return True
            vote.voided_at = datetime.now(UTC)
            vote.voided_because = _say_why(result)
            vote.save(force_insert=True)
            if not isinstance(result, TooLate):  # whoever left believing that it counts
                approval_waits.send(sender=Approval, approval=vote.approval)
    except Exception:  # noqa: BLE001 -- a fault of one vote holds up no other
        _log.exception("The held vote %s could not be cast; it is tried again.", vote.pk)
    return False


def _cast(vote: Vote) -> VoteResult:
    """Put a vote through the service that it would have gone through at once."""
    approval, user = vote.approval, vote.reviewer
    if user is None or not user.is_active:
        return NotYours(_GONE)
    if vote.kind == Vote.Kind.NO:
        return votes.reject_approval(approval, user=user, reason=vote.reason)
    if approval.asks_for_input:
        return votes.agree(approval, user=user, seen=vote.seen_digest)
    seen = _see_again(vote) if approval.is_guarded else ""
    return votes.answer_approval(approval, user=user, run_input={}, seen=seen)


def _see_again(vote: Vote) -> str:
    """Return the mark of what was seen, with what others have approved meanwhile.

    Where nothing is typed all say the same, so only what is asked may not have changed.
    """
    now = votes.mark_seen(vote.approval, votes.read_standing(vote.approval))
    content, _, _ = vote.seen_digest.partition("-")
    return now if now.startswith(f"{content}-") else vote.seen_digest


def _say_why(result: Refused | NotYours | TooLate) -> str:
    match result:
        case Refused(why) | NotYours(why):
            return why
        case TooLate():
            return _ENDED
