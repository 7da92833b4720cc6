"""What must be true however much was killed; each function returns what is not, in sentences."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.faults.evidence import Approval, Note, Run, State
from tests.faults.ledger import Act, Kind, Ledger

# The types of the states that may follow a pause, by what its approval says
_FOLLOWING = {
    "waiting": set(),
    "answered": {"RUNNING", "SCHEDULED"},
    "rejected": {"CANCELLED"},
    "expired": {"FAILED"},
    "withdrawn": {"CANCELLED", "CANCELLING", "CRASHED", "FAILED", "RUNNING", "SCHEDULED"},
}
_FINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
# What ends the pause at once, where nobody else has to agree
_DECIDING = {Kind.ANSWER, Kind.REJECT, Kind.RESUME, Kind.CANCEL}


def find_lost_acts(ledger: Ledger, runs: dict[str, Run], notes: Iterable[Note]) -> list[str]:
    """Find acts that were acknowledged and are not there once, or were done twice."""
    memos = [note.memo for note in notes]
    wrong = []
    for act in ledger.acts:
        traces = _count_traces(act, runs, memos)
        if traces > 1 or (act.acknowledged and traces != 1):
            told = "acknowledged" if act.acknowledged else "unanswered"
            wrong.append(f"{act.kind} by {act.actor} to {act.run}, {told}, is there {traces} times")
    return wrong


def _count_traces(act: Act, runs: dict[str, Run], memos: list[str]) -> int:
    """Count what an act has left, under the name of its actor."""
    if act.kind is Kind.ORDER:
        return sum(act.token in run.tags for run in runs.values())
    run = runs[act.run]
    match act.kind:
        case Kind.MESSAGE:
            held = [by for _, value, by in run.inputs if act.token in value]
            # One that a flow has read is there until it asks for the next
            return max(held.count(act.actor), memos.count(act.token))
        case Kind.CANCEL:
            return sum(
                state.message == act.token and state.actor == f"api_key:{act.actor}"
                for state in run.states
            )
        case Kind.COMMENT:
            return sum(each.comments.count((act.actor, act.token)) for each in run.approvals)
        case _:
            return sum(_count_decisions(act, each) for each in run.approvals)


def _count_decisions(act: Act, approval: Approval) -> int:
    """Count the decision and the votes of an act; those of one approval are one trace."""
    by = f"api_key:{act.actor}" if act.kind is Kind.RESUME else act.actor
    has_token = act.kind not in {Kind.APPROVE, Kind.AGREE}
    votes = [
        vote
        for vote in approval.votes
        if vote.name == act.actor and (not has_token or act.token in vote.content)
    ]
    decision = approval.decision
    is_decision = decision is not None and decision.by in {by, act.actor}
    if is_decision and decision is not None and has_token:
        is_decision = act.token in f"{decision.answer}{decision.reason}"
    if votes or not has_token:
        return int(bool(votes) or is_decision)
    return int(is_decision)


def find_unexplained(runs: dict[str, Run]) -> list[str]:
    """Find runs whose history does not lead to the state that they are in."""
    wrong = []
    for run in runs.values():
        versions = [state.version for state in run.states]
        if versions != sorted(set(versions)):
            wrong.append(f"{run.id} has states beside each other: {versions}")
        if run.last.id != run.state:
            wrong.append(f"{run.id} is in {run.state}, its history ends in {run.last}")
        pauses = {state.id for state in run.states if state.type == "PAUSED"}
        if pauses != {approval.pause for approval in run.approvals}:
            wrong.append(f"{run.id} has pauses without approvals, or the reverse")
        wrong += [f"{run.id}: {why}" for each in run.approvals for why in _contradict(run, each)]
    return wrong


def _contradict(run: Run, approval: Approval) -> Iterator[str]:
    """Say in what an approval and the history of its run contradict each other."""
    following = _follow(run, approval.pause)
    types = {following.type} if following else set()
    if not types <= _FOLLOWING[approval.outcome]:
        yield f"{approval.outcome}, but followed by {following}"
    if bool(following) == (approval.outcome == "waiting"):
        yield f"{approval.outcome}, and followed by {following}"
    if following and approval.closed_by != following.actor:
        yield f"closed by {approval.closed_by}, but {following.actor} wrote {following.name}"
    decided = approval.outcome in {"answered", "rejected"}
    if decided != (approval.decision is not None):
        yield f"{approval.outcome}, with the decision {approval.decision}"


def _follow(run: Run, pause: str) -> State | None:
    ids = [state.id for state in run.states]
    place = ids.index(pause) + 1
    return run.states[place] if place < len(ids) else None


def find_both(ledger: Ledger, runs: dict[str, Run], notes: Iterable[Note]) -> list[str]:
    """Find pauses that ended in two ways: by two acts, or for the flow otherwise than here."""
    wrong = []
    acts = defaultdict[str, list[Act]](list)
    for act in ledger.acknowledged:
        if _ended_a_pause(act, runs):
            acts[act.run].append(act)
    for run, done in acts.items():
        if len(done) > 1:
            wrong.append(f"{run} was ended by {done}")
    for note in filter(lambda note: note.ended, notes):
        told = _told_outcome(runs[note.run])
        if (note.ended, note.value is not None) != told and not _is_unheard(note, told):
            wrong.append(f"{note.run} was told {note}, and the approval says {told}")
        if note.ended == "answered" and note.value is not None:
            answers = [each.decision.answer for each in runs[note.run].approvals if each.decision]
            if not any(note.value in answer for answer in answers):
                wrong.append(f"{note.run} was told {note.value}, and the decision is {answers}")
    return wrong


def _ended_a_pause(act: Act, runs: dict[str, Run]) -> bool:
    """Whether an act ended a pause; a cancellation may also meet a run that went on, or ended."""
    if act.kind not in _DECIDING or runs[act.run].flow == "together":
        return False
    if act.kind is not Kind.CANCEL:
        return True
    run = runs[act.run]
    following = [_follow(run, approval.pause) for approval in run.approvals]
    return any(state is not None and state.message == act.token for state in following)


def _is_unheard(note: Note, told: tuple[str, bool]) -> bool:
    return note.ended == "expired" and told[0] == "answered"


def count_unheard(runs: dict[str, Run], notes: Iterable[Note]) -> int:
    """Count the flows that gave up at their deadline while the server was away with an answer."""
    ended = [note for note in notes if note.ended]
    return sum(_is_unheard(note, _told_outcome(runs[note.run])) for note in ended)


def _told_outcome(run: Run) -> tuple[str, bool]:
    approval = run.approvals[0]
    has_value = approval.outcome == "rejected" or bool(
        approval.decision and approval.decision.answer
    )
    return approval.outcome, has_value


def find_hanging(runs: dict[str, Run]) -> list[str]:
    """Find runs that have not ended."""
    return [
        f"{run.id} of {run.flow} is {run.last.name} since {run.last}"
        for run in runs.values()
        if run.last.type not in _FINAL
    ]
