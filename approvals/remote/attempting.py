"""Attempts: an answer is claimed on its server, the run is moved, and the truth is looked up.

Every step is written before it is taken, so a process that dies between two leaves a row from
which another goes on.
"""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from approvals.models import STANDING, Approval, Attempt
from approvals.remote.senders import name_elsewhere, write_sender
from approvals.remote.settling import settle
from approvals.services.attempts import (
    advance,
    conclude_attempt,
    end_attempt,
    hold,
    list_due,
    postpone,
)
from approvals.services.drafts import hold_waiting
from approvals.services.seats import dump_votes, freeze_seats, settle_seats
from approvals.services.voiding import void_votes
from flowruns.connectors import PrefectConnector, get_remote_connector
from flowruns.connectors.prefect.errors import Busy, RemoteTrouble, Unconfirmed, Unreachable
from flowruns.connectors.prefect.outcomes import Ended, MovedOn, Refused, TakenBy
from flowruns.domain.actors import server
from flowruns.domain.errors import FlowRunNotFound

_BATCH = 200
_SENDERS = 4  # of each server at a time
# How long an attempt of which nothing was sent is tried before its reviewer is told
_GIVEN_UP = timedelta(seconds=5)
# How long a run that shows no effect is left alone before a call without a claim is sent again
_DELIVERED = timedelta(seconds=10)
_LONGEST_PAUSE = 30.0
_TOLD_TO_END = 60.0
_KEPT = "What you typed is kept as a draft."
# A claim that stands so long is of a desk that died, or left from an earlier try of the run
_LEFT_BEHIND = timedelta(seconds=60)
_SEND_AGAIN = (
    "has answered this already, and the run has not gone on. Look at its own server, or send it"
    " again in a minute to answer in their place."
)

_log = logging.getLogger(__name__)
_senders: dict[str, ThreadPoolExecutor] = {}
_queued: set[UUID] = set()


def drive_attempts() -> int:
    """Drive what is due, each server's in threads of its own; returns how much."""
    due = [attempt for attempt in list_due(_BATCH) if attempt.pk not in _queued]
    for attempt in due:
        _queued.add(attempt.pk)
        name = attempt.approval.connector
        pool = _senders.setdefault(name, ThreadPoolExecutor(_SENDERS, f"answering {name}"))
        pool.submit(_drive_alone, attempt)
    return len(due)


def _drive_alone(attempt: Attempt) -> None:
    try:
        if hold(attempt):  # only now: it may have stood in the queue of a slow server for long
            drive(attempt)
    except Exception:  # noqa: BLE001 -- whatever it is, the next try comes
        _log.exception("%s cannot be sent; it is tried again.", attempt)
        postpone(attempt, seconds=_LONGEST_PAUSE)
    finally:
        _queued.discard(attempt.pk)
        connection.close()


def drive(attempt: Attempt) -> None:
    """Take an attempt as far as it comes now, and postpone what is left of it."""
    try:
        connector = get_remote_connector(attempt.approval.connector)
    except LookupError:
        _give_up(attempt, f"{attempt.approval.server} is no longer among the servers of this desk.")
        return
    try:
        _take_steps(connector, attempt)
    except RemoteTrouble as trouble:
        _meet_trouble(attempt, trouble)


def _take_steps(connector: PrefectConnector, attempt: Attempt) -> None:
    try:
        _take_next(connector, attempt)
    except FlowRunNotFound:
        _look(connector, attempt)


def _take_next(connector: PrefectConnector, attempt: Attempt) -> None:
    match attempt.step:
        case Attempt.Step.MOVED:
            _finish(connector, attempt)
        case _ if _claims(connector, attempt):
            _claim(connector, attempt)
        case Attempt.Step.NEW:
            _send(connector, attempt)
        case _:
            _look(connector, attempt)


def _claims(connector: PrefectConnector, attempt: Attempt) -> bool:
    """Whether the pause is claimed first, as a rejection does on any server."""
    is_rejection = attempt.kind == Attempt.Kind.REJECT
    return is_rejection or connector.server.answer_mode == "claim"


def _claim(connector: PrefectConnector, attempt: Attempt) -> None:
    approval = attempt.approval
    value = attempt.value or "{}"
    if attempt.kind == Attempt.Kind.REJECT:
        # A text is no answer to any form, should somebody move the run on all the same
        value = json.dumps(f"rejected by {attempt.told_name}", ensure_ascii=False)
    try:
        claimed = connector.claim(
            approval.flow_run_id,
            pause_state_id=approval.pause_state_id,
            value=value,
            sender=write_sender(attempt),
        )
    except Unconfirmed:  # it may be there: from now on this is not given up
        advance(attempt, Attempt.Step.CLAIMED)
        raise
    if isinstance(claimed, MovedOn):
        _look(connector, attempt)
        return
    if isinstance(claimed, TakenBy):
        _meet_claim(connector, attempt, claimed)
        return
    advance(attempt, Attempt.Step.CLAIMED)
    _move(connector, attempt)


def _meet_claim(connector: PrefectConnector, attempt: Attempt, claim: TakenBy) -> None:
    """Say whose answer is in the way; who has been told, and sends again, takes its place."""
    approval, now = attempt.approval, datetime.now(UTC)
    there = now + timedelta(seconds=connector.server.clock_offset)
    is_left = claim.created is not None and there - claim.created > _LEFT_BEHIND
    told = approval.attempts.filter(name=attempt.name, words__endswith=_SEND_AGAIN)
    if is_left and told.exists():
        connector.release(
            approval.flow_run_id, pause_state_id=approval.pause_state_id, sender=claim.sender
        )
        postpone(attempt, seconds=0)
        return
    who = name_elsewhere(connector.name, claim.sender).name
    _look(connector, attempt, or_else=f"{who[:1].upper()}{who[1:]} {_SEND_AGAIN}")


def _send(connector: PrefectConnector, attempt: Attempt) -> None:
    """Send what no claim protects: noted before, since it must not be sent twice without a look."""
    advance(attempt, Attempt.Step.CLAIMED)
    try:
        _move(connector, attempt)
    except Unreachable:
        advance(attempt, Attempt.Step.NEW)
        raise


def _move(connector: PrefectConnector, attempt: Attempt) -> None:
    """Let the run go on, or end it, and look what became of it."""
    approval = attempt.approval
    run_id, pause = approval.flow_run_id, approval.pause_state_id
    if attempt.kind == Attempt.Kind.REJECT:
        moved: object = connector.end(
            run_id, pause_state_id=pause, reviewer=attempt.told_name, reason=attempt.reason
        )
    else:
        _tell_votes(connector, approval)
        if _claims(connector, attempt):
            moved = connector.move(run_id, pause_state_id=pause)
        else:
            moved = connector.resume(run_id, pause_state_id=pause, value=attempt.value or None)
    if isinstance(moved, MovedOn):
        _look(connector, attempt)
        return
    if isinstance(moved, Refused):
        connector.release(run_id, pause_state_id=pause, sender=write_sender(attempt))
        _give_up(attempt, moved.reason)
        return
    advance(attempt, Attempt.Step.MOVED)
    _finish(connector, attempt, is_ending=isinstance(moved, Ended) and not moved.is_final)


def _tell_votes(connector: PrefectConnector, approval: Approval) -> None:
    """Tell the flow who answered, before it goes on."""
    if not approval.is_guarded:
        return
    with transaction.atomic():
        if hold_waiting(approval):
            freeze_seats(approval)
    connector.write_votes(
        approval.flow_run_id,
        pause_state_id=approval.pause_state_id,
        votes=json.dumps(dump_votes(approval), ensure_ascii=False),
        actor=server("approvals"),
    )


def _finish(connector: PrefectConnector, attempt: Attempt, *, is_ending: bool = True) -> None:
    """Look what became of a run that we have moved, and see a rejection to its end."""
    approval = attempt.approval
    settle(connector, approval.flow_run_id)
    approval.refresh_from_db()
    if approval.is_waiting:  # the server's history is a moment behind
        postpone(attempt, seconds=_pause(attempt))
    elif attempt.kind == Attempt.Kind.REJECT and is_ending:
        _see_to_end(connector, attempt)
    else:
        if approval.outcome == Approval.Outcome.WITHDRAWN:
            pause_id = approval.pause_state_id
            connector.uphold_cancel(approval.flow_run_id, pause_state_id=pause_id)
        end_attempt(attempt)


def _see_to_end(connector: PrefectConnector, attempt: Attempt) -> None:
    age = datetime.now(UTC) - attempt.created_at
    if age.total_seconds() < _TOLD_TO_END:
        postpone(attempt, seconds=_TOLD_TO_END)
        return
    ended = connector.finish_end(
        attempt.approval.flow_run_id, reviewer=attempt.told_name, reason=attempt.reason
    )
    if ended.is_final:
        end_attempt(attempt)
    else:
        postpone(attempt, seconds=_LONGEST_PAUSE)


def _look(connector: PrefectConnector, attempt: Attempt, *, or_else: str = "") -> None:
    """Settle the run; where it still waits, begin anew, or say `or_else` to the reviewer."""
    settle(connector, attempt.approval.flow_run_id)
    attempt.approval.refresh_from_db()
    if not attempt.approval.is_waiting:
        conclude_attempt(attempt, Attempt.Outcome.LOST)
        end_attempt(attempt)
    elif or_else:
        _give_up(attempt, or_else)
    elif datetime.now(UTC) - attempt.created_at < _DELIVERED:
        postpone(attempt, seconds=1.0)
    else:
        advance(attempt, Attempt.Step.NEW)
        postpone(attempt, seconds=0)


def _meet_trouble(attempt: Attempt, trouble: RemoteTrouble) -> None:
    """Try again, or give up where nothing was sent and trying will not help."""
    age = datetime.now(UTC) - attempt.created_at
    is_futile = trouble.is_permanent or age > _GIVEN_UP
    if attempt.step == Attempt.Step.NEW and is_futile:
        _give_up(attempt, f"{trouble.words} {_KEPT}")
        return
    seconds = trouble.retry_after if isinstance(trouble, Busy) else _pause(attempt)
    postpone(attempt, seconds=seconds, words=trouble.words)


def _give_up(attempt: Attempt, words: str) -> None:
    """Tell the reviewer that nothing came of it, and take back the vote that was to complete it."""
    approval = attempt.approval
    with transaction.atomic():
        waits = hold_waiting(approval)
        conclude_attempt(attempt, Attempt.Outcome.REFUSED, words=words)
        end_attempt(attempt)
        if waits and approval.is_guarded:
            mine = approval.votes.filter(STANDING, name=attempt.name, is_key=False)
            void_votes(mine, because=words)
            settle_seats(approval)


def _pause(attempt: Attempt) -> float:
    """Return after how many seconds an attempt is tried again."""
    return min(0.3 * 2.0**attempt.tries, _LONGEST_PAUSE)
