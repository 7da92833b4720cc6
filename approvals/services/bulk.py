"""Deciding several approvals at once: each through the service that decides one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import User

from approvals.models import Approval
from approvals.services import holding, votes
from approvals.services.decisions import Decided, Refused, Sent, TooLate
from approvals.services.holding import Held, HoldResult
from approvals.services.inbox import visible_to
from approvals.services.votes import Counted, NotYours

MOST = 50
_NOT_THERE = "It is not there any more."
_CHANGED = "It has changed since. Look at it again."


class Verb(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Pick:
    """What a page says of one that is chosen; `seen` is the mark of what its reader looked at."""

    approval_id: UUID
    pause_state_id: UUID
    seen: str = ""

    @classmethod
    def parse(cls, text: str) -> "Pick | None":
        approval_id, _, rest = text.partition(".")
        pause_state_id, _, seen = rest.partition(".")
        try:
            return cls(UUID(approval_id), UUID(pause_state_id), seen)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.approval_id}.{self.pause_state_id}{'.' if self.seen else ''}{self.seen}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One that is chosen, with why it cannot be decided together with others; "" where it can."""

    pick: Pick
    approval: Approval | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What became of one; `why` is "" where it was decided. `held_until` where it can be undone."""

    choice: Choice
    why: str = ""
    held_until: datetime | None = None

    @property
    def stays_chosen(self) -> bool:
        """Whether it failed and still waits."""
        approval = self.choice.approval
        return bool(self.why) and approval is not None and approval.is_waiting


def read_choices(picks: Sequence[Pick], *, user: User, verb: Verb) -> list[Choice]:
    """Return what is chosen as it is now, with a mark of what there is to see of each."""
    ids = [pick.approval_id for pick in picks]
    found = visible_to(user).select_related("decision").in_bulk(ids)
    return [_read_choice(pick, found.get(pick.approval_id), user, verb) for pick in picks]


def decide_all(
    picks: Sequence[Pick], *, user: User, verb: Verb, reason: str = ""
) -> list[BulkResult]:
    """Decide each of them, one after the other; a failure of one leaves the others as they are."""
    results = []
    for pick in picks:
        [choice] = read_choices([pick], user=user, verb=verb)
        results.append(_decide(choice, pick.seen, user, verb, reason))
    return results


def _read_choice(pick: Pick, approval: Approval | None, user: User, verb: Verb) -> Choice:
    if approval is None:
        return Choice(pick=pick, approval=None, why=_NOT_THERE)
    why = _CHANGED if approval.pause_state_id != pick.pause_state_id else ""
    seen = ""
    if not why and not approval.is_waiting:
        why = f"It has ended: {approval.get_outcome_display().lower()}."
    if not why and verb is Verb.APPROVE and approval.asks_for_input:
        why = "It asks for an answer: open it."
    if not why and approval.is_guarded:
        standing = votes.read_standing(approval)
        seen = votes.mark_seen(approval, standing)
        why = _object(approval, standing, user, verb)
    return Choice(
        pick=Pick(pick.approval_id, pick.pause_state_id, seen), approval=approval, why=why
    )


def _object(approval: Approval, standing: votes.Standing, user: User, verb: Verb) -> str:
    """Return why a user cannot decide what policies hold for, "" where they can."""
    if standing.is_signed:
        return "It asks for your password: open it."
    may = standing.may_answer(user) if verb is Verb.APPROVE else standing.may_reject(user)
    return "" if may else votes.explain(approval, standing, user)


def _decide(choice: Choice, seen: str, user: User, verb: Verb, reason: str) -> BulkResult:
    if choice.why or choice.approval is None:
        return BulkResult(choice=choice, why=choice.why)
    if verb is Verb.APPROVE:
        result = holding.hold_answer(choice.approval, user=user, seen=seen)
    else:
        result = holding.hold_rejection(choice.approval, user=user, reason=reason)
    return _conclude(choice, result)


def _conclude(choice: Choice, result: HoldResult) -> BulkResult:
    match result:
        case Held(moment):
            return BulkResult(choice=choice, held_until=moment)
        case Decided() | Counted() | Sent():
            return BulkResult(choice=choice)
        case Refused(why) | NotYours(why):
            return BulkResult(choice=choice, why=why)
        case TooLate(ended):
            why = f"It has ended: {ended.get_outcome_display().lower()}."
            return BulkResult(choice=Choice(pick=choice.pick, approval=ended, why=why), why=why)
