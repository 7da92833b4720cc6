"""Who said what of approvals that have ended, short enough for a line of a list."""

from dataclasses import dataclass

from approvals.models import Approval, Via, Vote
from approvals.services.seats import list_parts
from flowruns.domain.policies import Part, WhoKind


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


def list_voices(approval: Approval) -> list[Voice]:
    """Return the votes with which an approval ended, in the order in which they were given.

    Votes that were read with the approval are not read again.
    """
    standing = [vote for vote in approval.votes.all() if vote.stands]
    return [_read(approval, vote) for vote in sorted(standing, key=lambda vote: (vote.at, vote.pk))]


def _read(approval: Approval, vote: Vote) -> Voice:
    return Voice(
        name=vote.told_name,
        is_key=vote.is_key,
        kind=vote.kind,
        via=vote.via,
        parts=list_parts(approval, vote),
    )
