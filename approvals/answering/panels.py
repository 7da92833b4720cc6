"""Who has answered, who is missing, and what a reader may do about it, in words to read."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User

from approvals.models import Approval, Vote
from approvals.policies.judge import PartSeats, Voter
from approvals.schemaforms import JSONValue, describe_answer, has_secrets
from approvals.services import votes
from approvals.services.decisions import read_form
from approvals.services.guarding import tell_who
from approvals.services.policies import AUTHOR
from approvals.services.seats import read_seats
from approvals.services.votes import OVERRIDE, Standing, read_standing
from flowruns.domain.policies import WhoKind
from flowruns.domain.texts import read_json_or_text
from flowruns.models.prepared import PreparedQuery

_FALLEN_SHOWN = 5
_voided = PreparedQuery(
    Vote.objects.filter(voided_at__isnull=False, kind=Vote.Kind.YES).order_by("-voided_at"),
    by="approval",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelPart:
    """One part of a policy: whose it is, who has taken a seat, and how many are free."""

    label: str
    names: Sequence[str]
    missing: int
    is_later: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What the page of a guarded approval says about its policies."""

    lines: Sequence[Sequence[PanelPart]]
    is_authors: bool
    seen: str
    proposal: Vote | None
    rows: Sequence[tuple[str, str]]
    changes: Sequence[tuple[str, str, str]]
    fallen: Sequence[Vote]
    noes: Sequence[Vote]
    mine: Vote | None
    may_answer: bool
    may_reject: bool
    may_override: bool
    is_signed: bool
    has_secrets: bool
    is_last: bool
    why: str

    @property
    def mark(self) -> str:
        """A mark that changes whenever those who sit, or who may answer, do."""
        said = f"{self.lines}{self.may_answer}"
        return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:8]

    @property
    def may_agree(self) -> bool:
        """Whether the reader may say yes to what somebody else has answered."""
        return self.may_answer and self.proposal is not None and not self._has_said_so

    @property
    def is_change(self) -> bool:
        """Whether what the reader submits changes an answer that is there."""
        return self.may_answer and self.proposal is not None and not self.must_type_secrets

    @property
    def must_type_secrets(self) -> bool:
        """Whether the reader agrees by typing what nobody has kept of the answer."""
        return self.may_agree and self.has_secrets and self.is_last

    @property
    def _has_said_so(self) -> bool:
        return self.mine is not None and self.mine.kind == Vote.Kind.YES


def read_panel(approval: Approval, *, user: User, standing: Standing | None = None) -> Panel | None:
    """Return what is told of an approval's policies, None where anybody answers alone.

    `standing` is read where the caller has not.
    """
    if not approval.is_guarded:
        return None
    standing = standing or read_standing(approval)
    may_answer = approval.is_waiting and standing.may_answer(user)
    schema = read_json_or_text(read_form(approval).schema or "{}")
    fallen = _list_fallen(approval)
    proposal = standing.proposal
    return Panel(
        lines=describe_lines(standing),
        is_authors=any(kept["origin"] == AUTHOR for kept in approval.policies),
        seen=standing.seen if approval.is_waiting else "",
        proposal=proposal,
        rows=_describe(schema, proposal),
        changes=_list_changes(schema, proposal, fallen),
        fallen=fallen[:_FALLEN_SHOWN],
        noes=[vote for vote in standing.votes if vote.kind == Vote.Kind.NO],
        mine=standing.vote_of(user),
        may_answer=may_answer,
        may_reject=approval.is_waiting and standing.may_reject(user),
        may_override=approval.is_waiting and user.has_perm(OVERRIDE),
        is_signed=standing.is_signed,
        has_secrets=has_secrets(schema),
        is_last=may_answer and standing.would_complete(user),
        why="" if may_answer else votes.explain(approval, standing, user),
    )


def describe_lines(standing: Standing) -> list[list[PanelPart]]:
    """Return the parts of each line with those who sit there."""
    told = {Voter(vote.name, is_key=vote.is_key): vote.told_name for vote in standing.votes}
    seats = read_seats(standing.approval, standing.votes, standing.facts)
    return [[_describe_part(part, told) for part in parts] for parts in seats]


def _describe_part(part: PartSeats, told: Mapping[Voter, str]) -> PanelPart:
    label = tell_who(part)
    is_login = part.part.who[0].kind is WhoKind.PERSON
    return PanelPart(
        label=label if is_login else f"{label[:1].upper()}{label[1:]}",
        names=[told.get(voter, voter.name) for voter in part.voters],
        missing=part.missing,
        is_later=part.missing > 0 and not part.is_open,
    )


def _describe(schema: JSONValue, vote: Vote | None) -> list[tuple[str, str]]:
    if vote is None or not vote.answer:
        return []
    return describe_answer(schema, read_json_or_text(vote.answer))


def _list_fallen(approval: Approval) -> list[Vote]:
    """Return the votes that fell because something changed, the latest first."""
    return [vote for vote in _voided.find_all(approval.pk) if vote.fell]


def _list_changes(
    schema: JSONValue, proposal: Vote | None, fallen: Sequence[Vote]
) -> list[tuple[str, str, str]]:
    """Return (label, before, now) of what a later answer has changed of the one before."""
    before = next((vote for vote in fallen if proposal and vote.answer != proposal.answer), None)
    if before is None:
        return []
    old, new = dict(_describe(schema, before)), dict(_describe(schema, proposal))
    labels = dict.fromkeys([*old, *new])
    return [
        (label, old.get(label, ""), new.get(label, ""))
        for label in labels
        if old.get(label) != new.get(label)
    ]
