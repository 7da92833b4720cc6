"""The one seam: whatever lets a paused run go on asks here, in the transaction that does it."""

from collections.abc import Sequence
from typing import Any

from approvals.models import Approval, Vote
from approvals.policies.judge import Ballot, Ended, Judgement, Met, Open, Voter
from approvals.schemaforms import SchemaTrouble
from approvals.services.seats import describe_who, judge_approval, list_votes
from approvals.services.withholding import withhold
from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.rejections import read_rejection
from flowruns.signals import PauseEnding, pause_is_ending

_LOCAL = "local"
_OTHER_ANSWER = "Others have agreed to another answer."


def connect() -> None:
    """Start to guard the pauses of local runs."""
    pause_is_ending.connect(guard_pause, dispatch_uid="approvals.guard_pause")


def guard_pause(*, ending: PauseEnding, **_: Any) -> str | None:
    """Return why the reviewers of a pause do not let its run go on, or None where they do."""
    of_pause = Approval.objects.filter(connector=_LOCAL, pause_state_id=ending.pause.id)
    approval = of_pause.filter(is_guarded=True).first()
    if approval is None or approval.outcome == Approval.Outcome.ANSWERED:
        return None
    if not approval.is_waiting:
        return "The flow run left its pause before its reviewers let it go on."
    # whoever votes meanwhile comes before this, or after
    of_pause.select_for_update(no_key=True).get()
    try:
        return _find_lack(approval, ending, withhold(approval, ending.run_input or ""))
    except SchemaTrouble:
        return "Nobody can tell what in this answer is secret."


def _find_lack(approval: Approval, ending: PauseEnding, answer: str) -> str | None:
    """Return for whom an approval waits still; `answer` has no secrets, as those of votes."""
    votes = list_votes(approval)
    if _overrides(votes, ending.actor, answer):
        return None
    judged = judge_approval(approval, votes, *_ballot_of(ending))
    if read_rejection(ending.proposed) is not None:
        return None if isinstance(judged, Ended) else describe_lack(approval, judged)
    if not isinstance(judged, Met):
        return describe_lack(approval, judged)
    return None if _agree(votes, answer) else _OTHER_ANSWER


def _ballot_of(ending: PauseEnding) -> list[Ballot]:
    """Return the vote of an API key that resumes; people vote at the desk before they do."""
    actor: Actor = ending.actor
    if actor.kind is not ActorKind.API_KEY or read_rejection(ending.proposed) is not None:
        return []
    return [Ballot(voter=Voter(actor.name, is_key=True))]


def _overrides(votes: Sequence[Vote], actor: Actor, answer: str) -> bool:
    """Whether the actor has said, in the record, that this is a decision against the policy."""
    return any(
        vote.kind == Vote.Kind.OVERRIDE
        and actor.kind is ActorKind.REVIEWER
        and vote.name == actor.name
        and vote.answer == answer
        for vote in votes
    )


def _agree(votes: Sequence[Vote], answer: str) -> bool:
    return all(vote.answer == answer for vote in votes if vote.kind == Vote.Kind.YES)


def describe_lack(approval: Approval, judged: Judgement) -> str:
    """Say in one sentence for whom an approval waits."""
    if approval.is_hidden:
        return "Waits for its reviewers"
    if approval.obstacle:
        return f"Nobody can answer: {approval.obstacle}"
    if not isinstance(judged, Open):
        return "Waits for its reviewers"
    missing = [
        f"{part.missing} of {describe_who(part)}"
        for parts in judged.missing
        for part in parts
        if part.missing
    ]
    return f"Waits for {' and '.join(dict.fromkeys(missing))}"
