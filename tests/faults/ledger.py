"""What people and programs did, and which of it the desk has acknowledged."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What can be done; the first four end a pause, or vote for its end."""

    ANSWER = "answer"
    AGREE = "agree"
    REJECT = "reject"
    APPROVE = "approve"
    RESUME = "resume"
    CANCEL = "cancel"
    COMMENT = "comment"
    MESSAGE = "message"
    ORDER = "order"


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act; `token` is a text that no other act has, `run` the run that it was done to."""

    kind: Kind
    run: str
    actor: str
    token: str
    acknowledged: bool


@dataclass
class Ledger:
    """All acts; those that were not acknowledged may have been done or not, but not twice."""

    acts: list[Act] = field(default_factory=list)

    def note(self, act: Act) -> None:
        self.acts.append(act)

    @property
    def acknowledged(self) -> Iterator[Act]:
        return (act for act in self.acts if act.acknowledged)

    def count(self) -> Counter[Kind]:
        """Count the acknowledged acts of each kind."""
        return Counter(act.kind for act in self.acknowledged)
