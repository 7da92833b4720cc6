"""Drafts: what a reviewer has typed is kept until the approval ends, and a while for the loser."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from approvals.models import Approval, AskedSchema, Draft
from approvals.services.asked import digest_schema, keep_schema
from flowruns.models.prepared import PreparedQuery

type Fields = list[tuple[str, str]]

# Characters of one draft; more than a person types is a paste that is better kept elsewhere
MAX_DRAFT_LENGTH = 2_000_000

# How long a draft stays readable for its author after somebody else ended the approval
LEFTOVERS_KEPT = timedelta(days=30)

_BATCH = 200
_drafts = PreparedQuery(Draft.objects.all(), by=("approval", "reviewer"))


class Saving(Enum):
    """What became of a draft that was to be saved."""

    SAVED = auto()
    ENDED = auto()
    TOO_LARGE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """What somebody typed: `fields` of the form that `schema` makes, the reason for a rejection.

    None stands for what was not on the page, and leaves what was saved before.
    """

    schema: str = ""
    fields: Fields | None = None
    reason: str | None = None


def save_draft(approval: Approval, *, user: User, unsent: Unsent) -> Saving:
    """Save what was typed while the approval waits; once it has ended nothing is stored."""
    with transaction.atomic():
        if not hold_waiting(approval):
            return Saving.ENDED
        kept = _store(approval, user=user, unsent=unsent)
    return Saving.SAVED if kept else Saving.TOO_LARGE


def hold_waiting(approval: Approval) -> bool:
    """Keep an approval from ending until the transaction is over; False when it has ended.

    So whatever is stored for it is there before its end, which drops it, or is not stored at all.
    """
    waiting = Approval.objects.select_for_update(no_key=True)
    return waiting.filter(pk=approval.pk, outcome=Approval.Outcome.WAITING).first() is not None


def save_leftover(approval: Approval, *, user: User, unsent: Unsent) -> Draft | None:
    """Keep what came too late for an approval that somebody else has ended."""
    decision = getattr(approval, "decision", None)
    if approval.is_waiting or (decision is not None and decision.reviewer_id == user.pk):
        return None
    with transaction.atomic():
        return _store(approval, user=user, unsent=unsent)


def read_draft(approval: Approval, *, user: User) -> Draft | None:
    return _drafts.find(approval.pk, user.pk)


def read_last_draft(approvals: list[Approval], *, user: User) -> Draft | None:
    """Return what a reviewer typed last into the form of one of these approvals."""
    typed = Draft.objects.filter(approval__in=approvals, reviewer=user).exclude(fields="[]")
    return typed.select_related("approval__decision").order_by("-saved_at").first()


def read_fields(draft: Draft) -> Fields:
    return [(name, text) for name, text in json.loads(draft.fields)]


def drop_draft(approval: Approval, *, user: User) -> None:
    Draft.objects.filter(approval=approval, reviewer=user).delete()


def drop_asked(approval: Approval) -> None:
    """Drop the schemas that an approval has shown, which has ended, unless a draft needs them."""
    if not Draft.objects.filter(approval=approval).exists():
        AskedSchema.objects.filter(approval=approval).delete()


def drop_old_drafts() -> int:
    """Drop what was left over from approvals that ended long ago; returns how many drafts."""
    long_ago = datetime.now(UTC) - LEFTOVERS_KEPT
    dropped = _drop_some(Draft.objects.filter(approval__closed_at__lt=long_ago))
    _drop_some(AskedSchema.objects.filter(approval__closed_at__lt=long_ago))
    return dropped


def _drop_some(leftovers: QuerySet[Any]) -> int:
    """Delete a batch of them by their ids: where there are none, nothing is locked."""
    ids = list(leftovers.values_list("pk", flat=True)[:_BATCH])
    dropped, _ = leftovers.filter(pk__in=ids).delete()
    return dropped


def _store(approval: Approval, *, user: User, unsent: Unsent) -> Draft | None:
    values: dict[str, object] = {"saved_at": datetime.now(UTC)}
    if unsent.fields is not None:
        values["fields"] = json.dumps(unsent.fields)
        values["schema_digest"] = digest_schema(unsent.schema)
    if unsent.reason is not None:
        values["reason"] = unsent.reason.replace("\x00", "")
    if sum(len(value) for value in values.values() if isinstance(value, str)) > MAX_DRAFT_LENGTH:
        return None
    draft, _ = Draft.objects.update_or_create(approval=approval, reviewer=user, defaults=values)
    keep_schema(approval, unsent.schema)
    return draft
