"""Who said what of approvals that have ended, short enough for a line of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from approvals.models import STANDING, Approval, Via, Vote
from approvals.services.seats import list_parts
from flowruns.domain.policies import Part, WhoKind
from flowruns.models.prepared import PreparedQuery

_standing = PreparedQuery(Vote.objects.filter(STANDING).order_by("at", "id"), by="approval__in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One vote that counted: by whom, and in which parts of the policies."""

    name: str
    is_key: bool
    kind: str
    via: str
    parts: list[Part]

    @property
    def groups(self) -> str:
        """For which groups it counted, by name."""
        names = (who.name for part in self.parts for who in part.who if who.kind is WhoKind.GROUP)
        return " and ".join(dict.fromkeys(names))

    @property
    def is_by_slack(self) -> bool:
        return self.via == Via.SLACK

    def __str__(self) -> str:
        name = f"key:{self.name}" if self.is_key else self.name
        parts = " and ".join(map(str, self.parts))
        said = f"{name}: {self.kind}{' via Slack' if self.is_by_slack else ''}"
        return f"{said} ({parts})" if parts else said


def list_voices(approvals: Sequence[Approval]) -> dict[UUID, list[Voice]]:
    """Return the votes with which each approval ended, in the order in which they were given."""
    found: dict[UUID, list[Voice]] = {approval.pk: [] for approval in approvals}
    by_key = {approval.pk: approval for approval in approvals}
    for vote in _standing.find_all(list(by_key)):
        found[vote.approval_id].append(_read(by_key[vote.approval_id], vote))
    return found


def _read(approval: Approval, vote: Vote) -> Voice:
    return Voice(
        name=vote.told_name,
        is_key=vote.is_key,
        kind=vote.kind,
        via=vote.via,
        parts=list_parts(approval, vote),
    )
