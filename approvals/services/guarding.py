"""The one seam: whatever lets a paused run go on asks here, in the transaction that does it."""

from collections.abc import Callable, Sequence
from typing import Any

from approvals.models import Approval, Vote
from approvals.policies.judge import Ended, Judgement, Met, Open, PartSeats
from approvals.schemaforms import SchemaUnsupported
from approvals.services.seats import describe_who, judge_approval, list_votes
from approvals.services.withholding import withhold
from flowruns.connectors import LOCAL
from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.policies import WhoKind
from flowruns.domain.rejections import read_rejection
from flowruns.models.prepared import PreparedQuery
from flowruns.signals import PauseEnding, pause_is_ending

_NUMBERS = dict(enumerate("one two three four five six seven eight nine".split(), 1))
_OTHER_ANSWER = "Others have agreed to another answer."
_guarded = PreparedQuery(
    Approval.objects.filter(connector=LOCAL, is_guarded=True), by="pause_state_id"
)


def connect() -> None:
    """Start to guard the pauses of local runs."""
    pause_is_ending.connect(guard_pause, dispatch_uid="approvals.guard_pause")


def guard_pause(*, ending: PauseEnding, **_: Any) -> str | None:
    """Return why the reviewers of a pause do not let its run go on, or None where they do."""
    approval = _guarded.find(ending.pause.id)
    if ending.actor.kind is ActorKind.POLICY:  # `stepping` asks whether all of them say so
        return None
    if approval is None or approval.outcome == Approval.Outcome.ANSWERED:
        return None
    if not approval.is_waiting:
        return "The flow run left its pause before its reviewers let it go on."
    # Whoever votes meanwhile comes before this, or after
    Approval.objects.select_for_update(no_key=True).get(pk=approval.pk)
    try:
        return _find_lack(approval, ending, withhold(approval, ending.run_input or ""))
    except SchemaUnsupported:
        return "Nobody can tell what in this answer is secret."


def _find_lack(approval: Approval, ending: PauseEnding, answer: str) -> str | None:
    """Return for whom an approval waits still; `answer` has no secrets, as those of votes."""
    votes = list_votes(approval)
    if _overrides(votes, ending.actor, answer):
        return None
    judged = judge_approval(approval, votes, key=_find_key(ending))
    if read_rejection(ending.proposed) is not None:
        return None if isinstance(judged, Ended) else describe_lack(approval, judged)
    if not isinstance(judged, Met):
        return describe_lack(approval, judged)
    return None if _agree(votes, answer) else _OTHER_ANSWER


def _find_key(ending: PauseEnding) -> Actor | None:
    """Return the API key that resumes, whose answer is its vote; people vote at the desk before."""
    is_key = ending.actor.kind is ActorKind.API_KEY
    return ending.actor if is_key and read_rejection(ending.proposed) is None else None


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
    """Say in one sentence for whom an approval waits, to a program: as the policy is written."""
    if approval.obstacle and not approval.is_hidden:
        return f"Nobody can answer: {approval.obstacle}"
    return _say_lack(approval, judged, lambda part: f"{part.missing} of {describe_who(part)}")


def tell_lack(approval: Approval, judged: Judgement) -> str:
    """Say in one sentence for whom an approval waits, to people, who read no policies."""
    return _say_lack(approval, judged, tell_missing)


def _say_lack(approval: Approval, judged: Judgement, say: Callable[[PartSeats], str]) -> str:
    if approval.is_hidden or not isinstance(judged, Open):
        return "Waits for its reviewers"
    missing = [say(part) for parts in judged.missing for part in parts if part.missing]
    return f"Waits for {' and '.join(dict.fromkeys(missing))}"


def tell_missing(part: PartSeats) -> str:
    """Say who is missing in a part: `one of finance`, `ann or bob`, `two people`."""
    number = _NUMBERS.get(part.missing, str(part.missing))
    if part.part.is_anyone:
        return f"{number} {'person' if part.missing == 1 else 'people'}"
    is_of_groups = any(who.kind is WhoKind.GROUP for who in part.part.who)
    if part.missing == 1 and not is_of_groups:
        return tell_who(part)
    return f"{number} of {tell_who(part)}"


def tell_who(part: PartSeats) -> str:
    """Name those who may sit in a part."""
    names = {WhoKind.ANYONE: "anybody", WhoKind.KEY: "the program “{}”"}
    return " or ".join(names.get(who.kind, "{}").format(who.name) for who in part.part.who)
