"""Who is there: the processes that run flow runs, and the web processes that they tell so.

A process of this project's SDK holds a request for each run that it runs. One that falls silent is
presumed dead, and the run ends; should it come back, the run goes on. Prefect's clients say nothing
of the kind, so nothing is presumed of theirs.
"""

from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import batched
from uuid import UUID

from django.db.models import Q

from flowruns.domain.actors import server
from flowruns.domain.errors import FlowRunNotFound
from flowruns.domain.lost_runs import presumed_crash
from flowruns.domain.states import TERMINAL_STATES, StateType, cancelled
from flowruns.models import FlowRun, Listener
from flowruns.services.runs.states import replace_state, take_back_crash

# How often a web process writes down who is there.
NOTE_SECONDS = 5.0
# A process that is away for so long counts as lost for whoever looks at the run.
LOST_AFTER = timedelta(seconds=20)
# And the run has ended: long enough for a restart of ours, short enough for a minute in all.
ABANDONED_AFTER = timedelta(seconds=40)
# A web process writes down that it is there itself so much more seldom, to let disks rest.
_SEEN_EVERY = timedelta(seconds=15)
_SEEN_WITHIN = timedelta(seconds=25)
_FORGOTTEN_AFTER = timedelta(hours=1)
_BATCH = 200
_IDS_PER_QUERY = 500
_HEARTBEAT = server("attendance")

# What a process should be there for. A pause keeps its question: somebody may still answer it,
# and the process of a laptop that sleeps comes back.
_IN_PROGRESS = (
    Q(state_type__in=[StateType.RUNNING, StateType.CANCELLING])
    | Q(state_type=StateType.PENDING, deployment=None)
    | Q(state_type=StateType.SCHEDULED, retry_type="in_process")
)


def note_heartbeat(flow_run_id: UUID) -> None:
    """Note that the process of a run is there, and let the run go on if it was presumed dead.

    Nothing happens to a run that has ended or that nobody knows.
    """
    now = datetime.now(UTC)
    known = FlowRun.objects.filter(pk=flow_run_id).values_list("state_type", "attended_at").first()
    if known is None:
        return
    state_type, attended_at = known
    if state_type == StateType.CRASHED:
        with suppress(FlowRunNotFound):  # deleted meanwhile
            take_back_crash(flow_run_id)
    elif attended_at is None or attended_at < now - timedelta(seconds=NOTE_SECONDS):
        _note([flow_run_id], now)


def note_heartbeats(listener_id: UUID, flow_run_ids: Collection[UUID]) -> None:
    """Write down that the processes of these runs are there, and so is the web process itself."""
    now = datetime.now(UTC)
    _note(flow_run_ids, now)
    if not Listener.objects.filter(pk=listener_id, seen__gt=now - _SEEN_EVERY).exists():
        # Nobody could be told by one that was away itself, as long as the database was
        was_away = Listener.objects.filter(pk=listener_id, seen__lt=now - _SEEN_WITHIN).exists()
        anew = {"seen": now, "since": now}
        Listener.objects.update_or_create(
            pk=listener_id, defaults=anew if was_away else {"seen": now}, create_defaults=anew
        )
        Listener.objects.filter(seen__lt=now - _FORGOTTEN_AFTER).delete()


def _note(flow_run_ids: Collection[UUID], now: datetime) -> None:
    for some in batched(flow_run_ids, _IDS_PER_QUERY):
        going_on = FlowRun.objects.filter(pk__in=some).exclude(state_type__in=TERMINAL_STATES)
        going_on.update(attended_at=now)


def is_lost(flow_run_id: UUID) -> bool:
    """Whether the process of a run was there and is not now."""
    long_ago = datetime.now(UTC) - LOST_AFTER
    silent = FlowRun.objects.filter(pk=flow_run_id, attended_at__lt=long_ago)
    return _could_be_told_since(long_ago) and silent.exists()


def end_abandoned_runs() -> int:
    """End the runs whose processes are gone, and return how many; safe to run in many processes.

    Each is ended out of the state in which it was found, so whatever came first stands. Nothing
    is presumed until processes have had as long to reach a web process as they may be silent.
    """
    silent_since = datetime.now(UTC) - ABANDONED_AFTER
    if not _could_be_told_since(silent_since):
        return 0
    abandoned = FlowRun.objects.filter(
        _IN_PROGRESS, attended_at__lt=silent_since, state_timestamp__lt=silent_since
    ).order_by("attended_at")
    found = list(abandoned.values_list("pk", "state_id", "state_type")[:_BATCH])
    return sum(_end(*each) for each in found)


def find_attended() -> datetime | None:
    """Return now where a run has a process that should be there."""
    attended = FlowRun.objects.filter(_IN_PROGRESS, attended_at__isnull=False)
    return datetime.now(UTC) if attended.exists() else None


def _could_be_told_since(moment: datetime) -> bool:
    """Whether a web process that is there now was there at `moment`."""
    recently = datetime.now(UTC) - _SEEN_WITHIN
    return Listener.objects.filter(since__lte=moment, seen__gte=recently).exists()


def _end(flow_run_id: UUID, state_id: UUID | None, state_type: str | None) -> bool:
    proposed = presumed_crash(ABANDONED_AFTER)
    if state_type == StateType.CANCELLING:
        proposed = cancelled(proposed.message or "")
    return replace_state(flow_run_id, proposed=proposed, actor=_HEARTBEAT, known_state_id=state_id)
