"""Answers on their way to other servers: written here, driven by a loop, told to who waits."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from approvals.models import Approval, Attempt
from approvals.services.origins import current_via
from flowruns.connectors import Reply
from flowruns.domain.actors import Actor, ActorKind

type Path = tuple[str | int, ...]

# How long a reviewer's request waits for a verdict before it says that there is none yet
PATIENCE = timedelta(seconds=5)
# Longer than one step of an attempt takes; whoever drives it ended if it is over
_HELD = timedelta(seconds=30)
_LOOKED_EVERY = 0.1  # seconds

_OPEN = ~Q(step=Attempt.Step.SETTLED)


def write_attempt(
    approval: Approval, *, kind: Attempt.Kind, actor: Actor, value: str = "", reason: str = ""
) -> Reply:
    """Write what is to be sent, unless something is on its way; nothing is sent here.

    It belongs into the transaction that judges the policies.
    """
    now = datetime.now(UTC)
    attempt = Attempt(
        approval=approval,
        reviewer=find_reviewer(actor),
        name=str(actor),
        kind=kind,
        value=value,
        reason=reason,
        via=current_via(),
        created_at=now,
        next_try_at=now,
    )
    try:
        with transaction.atomic():
            held = Approval.objects.select_for_update(no_key=True).get(pk=approval.pk)
            if not held.is_waiting:
                return Reply(accepted=False, still_waits=False)
            attempt.save(force_insert=True)
    except IntegrityError:
        return Reply(accepted=False, still_waits=True, reason=describe_open(approval))
    return Reply(accepted=True, still_waits=True)


def find_reviewer(actor: Actor) -> User | None:
    """Return the account of a person who acted; None for all others, and where it is gone."""
    if actor.kind is not ActorKind.REVIEWER:
        return None
    return User.objects.filter(username=actor.name).first()


def find_open(approval: Approval) -> Attempt | None:
    """Return what has been sent for an approval and is not confirmed yet."""
    if not approval.server:
        return None
    return approval.attempts.filter(_OPEN, outcome=Attempt.Outcome.OPEN).first()


def find_failed(approval: Approval, *, user: User) -> Attempt | None:
    """Return a reviewer's last attempt if nothing came of it, so that its page says why."""
    if not approval.server:
        return None
    last = approval.attempts.filter(name=user.get_username()).order_by("-created_at").first()
    return last if last and last.outcome == Attempt.Outcome.REFUSED else None


def describe_open(approval: Approval) -> str:
    """Say in one sentence why nothing else can be sent now."""
    attempt = find_open(approval)
    who = attempt.told_name if attempt else "somebody"
    return f"What {who} has sent to {approval.server} is not confirmed yet."


def await_verdict(approval: Approval, *, user: User) -> Attempt | None:
    """Return a reviewer's last attempt as soon as its outcome is known, or open after a while."""
    deadline = time.monotonic() + PATIENCE.total_seconds()
    mine = approval.attempts.filter(name=user.get_username()).order_by("-created_at")
    while True:
        attempt = mine.first()
        is_known = attempt is None or attempt.outcome != Attempt.Outcome.OPEN
        if is_known or time.monotonic() > deadline:
            return attempt
        time.sleep(_LOOKED_EVERY)


def list_due(limit: int) -> list[Attempt]:
    """Return what is to be driven now and that nobody drives, the longest waiting first."""
    now = datetime.now(UTC)
    free = Q(held_until=None) | Q(held_until__lt=now)
    due = Attempt.objects.filter(_OPEN, free, next_try_at__lte=now).order_by("next_try_at")
    return list(due.select_related("approval")[:limit])


def find_next() -> datetime | None:
    """Return when the next attempt is to be driven, also one that somebody drives."""
    attempts = Attempt.objects.filter(_OPEN).order_by("next_try_at")
    return attempts.values_list("next_try_at", flat=True).first()


def hold(attempt: Attempt) -> bool:
    """Take an attempt to drive it, for half a minute; False when another process was faster."""
    now = datetime.now(UTC)
    free = Q(held_until=None) | Q(held_until__lt=now)
    due = Attempt.objects.filter(_OPEN, free, next_try_at__lte=now)
    same = due.filter(pk=attempt.pk, step=attempt.step)
    return bool(same.update(held_until=now + _HELD))


def advance(attempt: Attempt, step: Attempt.Step) -> None:
    """Note how far an attempt has come, before what follows is sent."""
    attempt.step = step
    held = datetime.now(UTC) + _HELD
    Attempt.objects.filter(_OPEN, pk=attempt.pk).update(step=step, held_until=held)


def postpone(attempt: Attempt, *, seconds: float, words: str = "") -> None:
    """Let go of an attempt until later."""
    Attempt.objects.filter(pk=attempt.pk).update(
        next_try_at=datetime.now(UTC) + timedelta(seconds=seconds),
        held_until=None,
        words=words,
        tries=F("tries") + 1,
    )


def conclude_attempt(
    attempt: Attempt,
    outcome: Attempt.Outcome,
    *,
    words: str = "",
    problems: Sequence[tuple[Path, str]] = (),
) -> None:
    """Say what became of an attempt; the first word counts."""
    unknown = Attempt.objects.filter(pk=attempt.pk, outcome=Attempt.Outcome.OPEN)
    unknown.update(outcome=outcome, words=words, problems=[list(each) for each in problems])


def end_attempt(attempt: Attempt) -> None:
    """Note that nothing of an attempt is left to do, and forget what was sent."""
    Attempt.objects.filter(pk=attempt.pk).update(
        step=Attempt.Step.SETTLED, value="", held_until=None, settled_at=datetime.now(UTC)
    )
