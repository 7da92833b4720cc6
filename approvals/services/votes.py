"""Votes: what reviewers say of an approval that more than anybody's word decides.

The first answer is a proposal; whoever agrees gives the same one, and a change begins anew. The
completing vote and the resume are one transaction, so that of two completing votes one wins.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from approvals.models import HELD, REPLACED, STANDING, TAKEN_BACK, Approval, Vote
from approvals.policies.judge import (
    Ballot,
    Ended,
    Facts,
    Line,
    Met,
    Voter,
    fill_seats,
    is_eligible,
    judge_votes,
    may_reject,
    may_vote,
)
from approvals.schemaforms import SchemaUnsupported
from approvals.services import decisions
from approvals.services.absences import list_absent
from approvals.services.attempts import describe_open, find_open
from approvals.services.decisions import Decided, Refused, Result, Sent
from approvals.services.drafts import drop_draft, hold_waiting
from approvals.services.guarding import tell_lack, tell_who
from approvals.services.origins import current_via
from approvals.services.policies import read_lines
from approvals.services.seats import (
    as_ballots,
    facts_of,
    judge_approval,
    list_votes,
    settle_seats,
)
from approvals.services.sources import find_source
from approvals.services.voiding import CHANGED, digest_content, void_votes
from approvals.services.withholding import asks_for_secrets, withhold
from flowruns.domain.actors import reviewer
from flowruns.domain.errors import EvaluationBusy, FlowRunNotFound, Unprocessable
from flowruns.domain.policies import Word
from flowruns.signals import Act, acted

OVERRIDE = "approvals.override_policy"
_SIGN = "Confirm that it is you: type your password."
_LOOK_AGAIN = f"{CHANGED} Look at it again."


@dataclass(frozen=True, slots=True)
class Counted:
    """The vote counts, and the run waits on; `lack` says for whom."""

    lack: str


@dataclass(frozen=True, slots=True)
class NotYours:
    """This person may not answer; the sentence says why."""

    why: str


type VoteResult = Result | Counted | NotYours


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An approval's policies, its votes that stand, and what the policies mean now."""

    approval: Approval
    lines: Sequence[Line]
    votes: Sequence[Vote]
    facts: Facts

    @cached_property
    def seen(self) -> str:
        """A mark of what a reviewer looks at, as it was when this was first asked for."""
        return mark_seen(self.approval, self)

    @property
    def is_signed(self) -> bool:
        """Whether who votes must show again who they are."""
        return any(Word.SIGNED in line.policy.words for line in self.lines)

    @property
    def proposal(self) -> Vote | None:
        return next((vote for vote in self.votes if vote.kind == Vote.Kind.YES), None)

    def vote_of(self, user: User) -> Vote | None:
        name = user.get_username()
        return next((v for v in self.votes if v.name == name and not v.is_key), None)

    def may_answer(self, user: User) -> bool:
        return self.find_seat(user, may_vote) is not None

    def may_reject(self, user: User) -> bool:
        return self.find_seat(user, may_reject) is not None

    def find_seat(self, user: User, may: Callable[..., bool]) -> str | None:
        """Return for whom a user may vote: "" for themselves first, then who is absent.

        None where they may not.
        """
        ballots = as_ballots(self.votes)
        judge = partial(may, self.lines, _voter(user), ballots, self.facts)
        if judge():
            return ""
        absent = (person.get_username() for person in list_absent(user))
        return next((name for name in absent if judge(for_whom=name)), None)

    def would_complete(self, user: User) -> bool:
        """Whether a yes of this user would let the run go on."""
        for_whom = self.find_seat(user, may_vote) or ""
        yes = Ballot(voter=_voter(user), for_whom=for_whom, is_signed=True)
        others = [ballot for ballot in as_ballots(self.votes) if ballot.voter != yes.voter]
        return isinstance(judge_votes(self.lines, [*others, yes], self.facts), Met)


def read_standing(approval: Approval) -> Standing:
    return Standing(
        approval=approval,
        lines=read_lines(approval),
        votes=list_votes(approval),
        facts=facts_of(approval),
    )


def answer_approval(
    approval: Approval, *, user: User, run_input: Any, seen: str = "", is_signed: bool = False
) -> VoteResult:
    """Answer, propose, agree or change, whichever it is; `run_input` is a JSON value.

    `seen` is the mark of what the user looked at; with another one nothing counts.
    """
    complete = partial(decisions.answer_approval, approval, user=user, run_input=run_input)
    if not approval.is_guarded:
        return complete()
    checked = _check(approval, run_input)
    if not isinstance(checked, str):
        return checked
    ballot = _Yes(approval, user, text=checked, seen=seen, is_signed=is_signed)
    return _count(approval, user=user, vote=ballot.cast, complete=complete)


def reject_approval(approval: Approval, *, user: User, reason: str) -> VoteResult:
    """Say no: it ends the approval, or counts where the policy says so."""
    if not approval.is_guarded:
        return decisions.reject_approval(approval, user=user, reason=reason)
    with transaction.atomic():
        if refused := _hold(approval):
            return refused
        standing = read_standing(approval)
        for_whom = standing.find_seat(user, may_reject)
        if for_whom is None:
            return NotYours(explain(approval, standing, user))
        _store(approval, user, Vote.Kind.NO, reason=reason, for_whom=for_whom)
        return _conclude_no(approval, user, reason)


def agree(approval: Approval, *, user: User, seen: str, is_signed: bool = False) -> VoteResult:
    """Give the very answer that is proposed; its secrets are typed by who completes the votes."""
    proposal = read_standing(approval).proposal
    if proposal is None:
        return Refused(_LOOK_AGAIN)
    if asks_for_secrets(approval):
        ballot = _Yes(approval, user, text=proposal.answer, seen=seen, is_signed=is_signed)
        return _count(approval, user=user, vote=ballot.cast, complete=_ask_for_secrets)
    return answer_approval(
        approval,
        user=user,
        run_input=json.loads(proposal.answer or "{}"),
        seen=seen,
        is_signed=is_signed,
    )


def _ask_for_secrets() -> Result:
    return Refused("You are the last to agree: type what is secret, and submit the form.")


def mark_seen(approval: Approval, standing: Standing) -> str:
    """Return a mark of what a reviewer looks at: what is asked, and what others have answered."""
    proposed = standing.proposal.answer if standing.proposal else None
    answer = hashlib.sha256(json.dumps(proposed).encode()).hexdigest()[:16]
    return f"{digest_content(approval)}-{answer}"


def override_policy(
    approval: Approval, *, user: User, reason: str, run_input: Any = None, rejects: bool = False
) -> VoteResult:
    """Decide against the policies, with a reason that stays in the record."""
    if not user.has_perm(OVERRIDE):
        return NotYours("You may not decide against the policy.")
    if not reason.strip():
        return Refused("Say why you decide against the policy: it stays in the record.")

    decide = partial(decisions.reject_approval, approval, user=user, reason=reason)
    text: str | VoteResult = ""
    if not rejects:
        decide = partial(decisions.answer_approval, approval, user=user, run_input=run_input)
        text = _check(approval, run_input)
    if not isinstance(text, str):
        return text
    with transaction.atomic():
        if refused := _hold(approval):
            return refused
        _store(approval, user, Vote.Kind.OVERRIDE, answer=text, reason=reason)
        result = _finish(decide())
        if isinstance(result, Decided):
            _tell_override(approval, user, reason)
        return result


def _tell_override(approval: Approval, user: User, reason: str) -> None:
    act = Act(
        action="policy_overridden",
        actor=str(reviewer(user.get_username())),
        subject=f"approval: {approval}",
        details={"approval": str(approval.pk), "reason": reason},
    )
    acted.send(sender=Approval, act=act)


def take_back(approval: Approval, *, user: User) -> VoteResult:
    """Take one's vote back while the approval waits."""
    with transaction.atomic():
        if refused := _hold(approval):
            return refused
        if not void_votes(_votes_of(approval, user), because=TAKEN_BACK):
            return NotYours("You have not answered this.")
        settle_seats(approval)
    return Counted(_lack(approval))


def is_outdated(approval: Approval, *, user: User, seen: str) -> bool:
    """Whether a page is from before its reader's own vote, as `seen` on it tells."""
    if not approval.is_guarded:
        return False
    standing = read_standing(approval)
    return standing.vote_of(user) is not None and seen != mark_seen(approval, standing)


def explain(approval: Approval, standing: Standing, user: User) -> str:
    """Say in one sentence why this user may not answer."""
    name = user.get_username()
    bars = any(Word.NOT_THE_REQUESTER in line.policy.words for line in standing.lines)
    if bars and name in standing.facts.askers:
        return "You asked for this. Somebody else answers it."
    if approval.obstacle:
        return f"Nobody can answer this: {approval.obstacle}"
    if standing.vote_of(user) is not None:
        return "You have answered this."
    if stand_in := next((vote.name for vote in standing.votes if vote.for_whom == name), ""):
        return f"{stand_in} has answered for you."
    earlier = _earlier_stage(standing, user)
    return earlier or f"{_lack(approval)}."


def _earlier_stage(standing: Standing, user: User) -> str:
    """Say after whom a user's turn comes, "" where it never does."""
    for line in standing.lines:
        parts = fill_seats(line, as_ballots(standing.votes), standing.facts)
        waits = next((part for part in parts if part.missing), None)
        later = [part.part for part in parts if not part.is_open and part.missing]
        if waits is not None and any(
            is_eligible(line.policy, part, _voter(user), standing.facts) for part in later
        ):
            return f"Comes to you when {tell_who(waits)} has agreed."
    return ""


@dataclass(frozen=True, slots=True)
class _Yes:
    """A yes to an answer, by somebody who has seen what is asked and what others have answered."""

    approval: Approval
    user: User
    _: KW_ONLY
    text: str
    seen: str
    is_signed: bool

    def cast(self, standing: Standing) -> VoteResult | None:
        """Store it, or return what refuses it."""
        for_whom = standing.find_seat(self.user, may_vote)
        if for_whom is None:
            return NotYours(explain(self.approval, standing, self.user))
        if standing.is_signed and not self.is_signed:
            return Refused(_SIGN)
        if self.seen != mark_seen(self.approval, standing):
            return Refused(_LOOK_AGAIN)
        _drop_other_answers(self.approval, self.user, self.text)
        content, _, _ = self.seen.partition("-")
        void_votes(_yes_of(self.approval).exclude(seen_digest=content), because=CHANGED)
        _store(
            self.approval,
            self.user,
            Vote.Kind.YES,
            answer=self.text,
            seen_digest=content,
            is_signed=self.is_signed,
            for_whom=for_whom,
        )
        return None


def _count(
    approval: Approval,
    *,
    user: User,
    vote: Callable[[Standing], VoteResult | None],
    complete: Callable[[], Result],
) -> VoteResult:
    """Let a vote be stored, and have the run go on where that completes them."""
    with transaction.atomic():
        if refused := _hold(approval):
            return refused
        if objection := vote(read_standing(approval)):
            return objection
        judged = judge_approval(approval, list_votes(approval))
        if isinstance(judged, Met):
            return _finish(complete())
        settle_seats(approval)
        drop_draft(approval, user=user)
        return Counted(tell_lack(approval, judged))


def _hold(approval: Approval) -> Result | None:
    """Keep an approval from ending for the transaction, or say why nobody can vote any more."""
    if not hold_waiting(approval):
        return decisions.too_late(approval)
    return Refused(describe_open(approval)) if find_open(approval) else None


def _check(approval: Approval, run_input: Any) -> str | VoteResult:
    """Return an answer as it is kept, without its secrets, or what refuses it."""
    connector = find_source(approval)
    try:
        checked = connector.check_answer(
            approval.flow_run_id, run_input=run_input, pause_state_id=approval.pause_state_id
        )
    except FlowRunNotFound:
        return decisions.too_late(approval)
    except (EvaluationBusy, Unprocessable) as error:
        return Refused(str(error))
    if not checked.reply.accepted:
        return decisions.conclude(approval, checked.reply)
    try:
        return withhold(approval, checked.text)
    except SchemaUnsupported as unsupported:
        return Refused(f"Nobody can tell what in this answer is secret. {unsupported}")


def _conclude_no(approval: Approval, user: User, reason: str) -> VoteResult:
    standing = list_votes(approval)
    judged = judge_approval(approval, standing)
    if not isinstance(judged, Ended):
        settle_seats(approval)
        return Counted(tell_lack(approval, judged))
    noes = [vote for vote in standing if vote.kind == Vote.Kind.NO]
    told = reason
    if len(noes) > 1:
        told = " ".join(f"{vote.told_name}: {vote.reason}" for vote in noes)
    return _finish(decisions.reject_approval(approval, user=user, reason=told))


def _finish(result: Result) -> Result:
    """Undo the vote that was to complete the approval where the run has not taken it."""
    if not isinstance(result, Decided | Sent):
        transaction.set_rollback(True)
    return result


def _lack(approval: Approval) -> str:
    return tell_lack(approval, judge_approval(approval, list_votes(approval)))


def _drop_other_answers(approval: Approval, user: User, text: str) -> None:
    void_votes(
        _yes_of(approval).exclude(answer=text),
        because=f"{user.get_username()} has changed the answer.",
    )


def _store(approval: Approval, user: User, kind: Vote.Kind, **kept: Any) -> None:
    """Keep a vote in the place of an earlier one; `kept` are fields of the row."""
    void_votes(_votes_of(approval, user), because=REPLACED)
    approval.votes.filter(HELD, reviewer=user).delete()
    Vote.objects.create(
        approval=approval,
        reviewer=user,
        name=user.get_username(),
        kind=kind,
        via=current_via(),
        at=datetime.now(UTC),
        **kept,
    )


def _yes_of(approval: Approval) -> QuerySet[Vote]:
    return approval.votes.filter(STANDING, kind=Vote.Kind.YES, is_key=False)


def _votes_of(approval: Approval, user: User) -> QuerySet[Vote]:
    """Return the vote of a user that stands, if there is one."""
    return approval.votes.filter(STANDING, name=user.get_username(), is_key=False)


def _voter(user: User) -> Voter:
    return Voter(user.get_username())
