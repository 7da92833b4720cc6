"""Settling: the truth about a run on another server becomes the truth here.

The only writer of what opens and closes there. It may be called at any time and as often as one
likes, so hints that come late, twice or not at all do no harm.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models import QuerySet

from approvals.models import Approval, Attempt, Via
from approvals.remote.gathering import Gathered, Question, gather
from approvals.remote.senders import name_elsewhere, read_sender
from approvals.remote.snapshots import begin_snapshot
from approvals.remote.turns import writing
from approvals.services.attempts import conclude_attempt, end_attempt
from approvals.services.opening import Opening, draft_opening, open_approvals
from approvals.services.origins import coming_by
from approvals.services.tracking import close_approval
from flowruns import wire
from flowruns.connectors import PrefectConnector
from flowruns.connectors.prefect.errors import RemoteFault
from flowruns.connectors.prefect.outcomes import MovedOn, Response
from flowruns.domain.actors import Actor
from flowruns.domain.errors import FlowRunNotFound
from flowruns.domain.rejections import read_rejection, rejected
from flowruns.domain.states import CANCEL_STATES, GOING_ON_STATES, State, StateDetails, StateType
from flowruns.signals import StateChange

# How Prefect says that nobody answered in time
_EXPIRED = "never resumed"
_SENT = {Attempt.Step.CLAIMED, Attempt.Step.MOVED}
# The database's own trouble, which no run is to blame for
_AWAY = (InterfaceError, OperationalError)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A run as it is on its server, None where it was deleted, and the states that are new here."""

    run: wire.FlowRun | None
    news: tuple[wire.State, ...] = ()


def settle(connector: PrefectConnector, flow_run_id: UUID) -> Settled:
    """Open and close the approvals of a run as it is now; raises `RemoteTrouble`."""
    try:
        run = connector.read_flow_run(flow_run_id)
    except FlowRunNotFound:
        return _withdraw(connector, flow_run_id)
    gathered = next(gather(connector, [run]), None)
    if gathered is None:
        raise RemoteFault("The server does not say what the run asks.")
    [settled] = settle_gathered(connector, gathered)
    return settled


def settle_gathered(connector: PrefectConnector, gathered: Sequence[Gathered]) -> list[Settled]:
    """Open and close the approvals of runs of which all is read; what opens does so together."""
    closed = [
        [_close(connector, pause_id, found) for pause_id, found in each.endings.items()]
        for each in gathered
    ]
    opened = _open_all(connector, [each.question for each in gathered if each.question])
    return [
        Settled(run=each.run, news=tuple(filter(None, [*ended, opened.get(each.run.id)])))
        for each, ended in zip(gathered, closed, strict=True)
    ]


def _open_all(connector: PrefectConnector, asked: Sequence[Question]) -> Mapping[UUID, wire.State]:
    """Open together, or one by one where one cannot; return by run the pauses that are here now."""
    try:
        _open(connector, asked)
    except _AWAY:
        raise
    except Exception:  # noqa: BLE001 -- whatever it is, it keeps no other run from being settled
        if len(asked) == 1:
            _log.exception("Left out the run %s.", asked[0].run.id)
            return {}
        one_by_one = [_open_all(connector, [each]) for each in asked]
        return {run_id: pause for one in one_by_one for run_id, pause in one.items()}
    return {each.run.id: each.pause for each in asked}


def _open(connector: PrefectConnector, asked: Sequence[Question]) -> None:
    drafts = {each.pause.id: _draft(connector, each) for each in asked}
    if not drafts:
        return
    with writing():
        of_pauses = Approval.objects.filter(connector=connector.name, pause_state_id__in=drafts)
        for known in of_pauses.values_list("pause_state_id", flat=True):
            del drafts[known]
        open_approvals(list(drafts.values()))


def _draft(connector: PrefectConnector, asked: Question) -> Opening:
    run, pause = asked.run, asked.pause.to_domain()
    change = StateChange(
        flow_run_id=run.id,
        flow_run_name=run.name,
        flow_name=asked.surroundings.flow_name,
        tags=tuple(run.tags),
        before=None,
        after=pause,
        actor=name_elsewhere(connector.name),
        parameters=run.parameters,
    )
    return draft_opening(change, pause, connector=connector.name, snapshot=begin_snapshot(asked))


def _close(connector: PrefectConnector, pause_id: UUID, found: MovedOn) -> wire.State | None:
    """Close the approval of a pause by the first state after it, whatever came since."""
    if found.state is None:  # told before it is in the history: the next look finds it
        return None
    after = found.state.to_domain()
    of_pause = Approval.objects.filter(connector=connector.name, pause_state_id=pause_id)
    _close_all(connector, of_pause, after, found.response)
    return found.state


def _withdraw(connector: PrefectConnector, flow_run_id: UUID) -> Settled:
    """Close what waits of a run that is deleted."""
    of_run = Approval.objects.filter(connector=connector.name, flow_run_id=flow_run_id)
    _close_all(connector, of_run, None, None)
    return Settled(run=None)


def _close_all(
    connector: PrefectConnector,
    approvals: QuerySet[Approval],
    after: State | None,
    response: Response | None,
) -> None:
    with writing():
        # Whoever writes an attempt comes before this, or finds the approval closed
        waiting = approvals.filter(outcome=Approval.Outcome.WAITING)
        for held in waiting.select_for_update(no_key=True):
            _record(connector, held, after, response)


def _record(
    connector: PrefectConnector,
    approval: Approval,
    after: State | None,
    response: Response | None,
) -> None:
    ours = _find_ours(approval, after, response)
    actor = ours.actor if ours else _name_other(connector, after, response)
    if ours and ours.kind == Attempt.Kind.REJECT and after:
        no = rejected(reviewer=ours.told_name, reason=ours.reason)
        after = replace(no, id=after.id, timestamp=after.timestamp)
    pause = _read_pause(approval, after)
    is_answered = approval.asks_for_input and after is not None and after.type in GOING_ON_STATES
    answer = response.value if response and is_answered else None
    change = StateChange(
        flow_run_id=approval.flow_run_id,
        flow_run_name=approval.flow_run_name,
        flow_name=approval.flow_name,
        tags=tuple(approval.tags),
        before=pause,
        after=after,
        actor=actor,
        run_input=answer,
    )
    with coming_by(Via(ours.via) if ours else Via.DESK):
        close_approval(change, pause, connector=connector.name)
    for attempt in approval.attempts.exclude(step=Attempt.Step.SETTLED):
        is_done = ours is not None and attempt.pk == ours.pk
        conclude_attempt(attempt, Attempt.Outcome.DONE if is_done else Attempt.Outcome.LOST)
        # One that has moved the run looks after it until it is certain how the run ends
        if not is_done and attempt.step != Attempt.Step.MOVED:
            end_attempt(attempt)


def _find_ours(
    approval: Approval, after: State | None, response: Response | None
) -> Attempt | None:
    """Return the attempt of ours that ended a pause, None where somebody else did."""
    if after is None:
        return None
    if response is not None:
        sender = read_sender(response.sender)
        attempts = approval.attempts.filter(pk=sender.attempt_id) if sender else None
    else:
        # A server that is not claimed: what we sent is what happened
        attempts = approval.attempts.filter(step__in=_SENT)
    attempt = attempts.first() if attempts is not None else None
    if attempt is None:
        return None
    wanted = GOING_ON_STATES if attempt.kind == Attempt.Kind.ANSWER else CANCEL_STATES
    return attempt if after.type in wanted else None


def _name_other(
    connector: PrefectConnector, after: State | None, response: Response | None
) -> Actor:
    """Name who ended a pause, if it was not this desk, as far as the server knows."""
    if after is None or response is None:
        return name_elsewhere(connector.name)
    # Whoever stored an answer has not cancelled the run by that
    is_theirs = after.type in GOING_ON_STATES or read_rejection(after) is not None
    return name_elsewhere(connector.name, response.sender if is_theirs else None)


def _read_pause(approval: Approval, after: State | None) -> State:
    """Return the pause of an approval, as far as its end is judged by it.

    Its deadline is by the clock of the flow's machine; that it was over is the server's word.
    """
    deadline = approval.expires_at
    if deadline and after and _EXPIRED in (after.message or ""):
        deadline = min(deadline, after.timestamp - timedelta(microseconds=1))
    return State(
        type=StateType.PAUSED,
        id=approval.pause_state_id,
        timestamp=approval.opened_at,
        details=StateDetails(pause_timeout=deadline),
    )
