"""Which background loops do their rounds, and which stand still."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Coalesce, Greatest

from flowruns.models import LoopRound

# How often a process writes down what its loops have done: once for all of them, and so seldom
# that disks rest where nothing happens.
NOTE_SECONDS = 15.0
# A loop stands still after so long without a round that succeeded, and after three of its rounds.
PATIENCE = timedelta(minutes=1)
_ROUNDS_MISSED = 3
# Containers get new host names; what a week-old one did tells nobody anything.
_FORGOTTEN_AFTER = timedelta(days=7)
_LONGEST_ERROR = 500


@dataclass(slots=True, kw_only=True)
class LoopRecord:
    """What one loop of this process has done since it started."""

    loop: str
    started_at: datetime
    succeeded_at: datetime | None = None
    seconds: float = 0.0
    failures: int = 0
    error: str = ""

    @property
    def name(self) -> str:
        return self.loop.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class StillLoop:
    """A loop that no process has completed a round of since then, and what it failed of."""

    loop: str
    since: datetime
    error: str

    @property
    def name(self) -> str:
        return self.loop.rpartition(".")[2]

    def __str__(self) -> str:
        why = f": {self.error}" if self.error else ""
        return f"{self.name} has not run since {self.since:%Y-%m-%d %H:%M:%S} UTC{why}"


def note_rounds(records: Iterable[LoopRecord], *, host: str) -> None:
    """Write down what the loops of a process have done, all in one transaction."""
    now = datetime.now(UTC)
    rows = [
        LoopRound(
            loop=record.loop,
            host=host,
            started_at=record.started_at,
            succeeded_at=record.succeeded_at,
            seconds=record.seconds,
            failures=record.failures,
            error=record.error[:_LONGEST_ERROR],
            noted_at=now,
        )
        for record in records
    ]
    changed = ["started_at", "succeeded_at", "seconds", "failures", "error", "noted_at"]
    with transaction.atomic():
        LoopRound.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["loop", "host"], update_fields=changed
        )
        LoopRound.objects.filter(noted_at__lt=now - _FORGOTTEN_AFTER).delete()


def find_still_loops(
    loops: Mapping[str, float], *, watched_since: datetime, now: datetime | None = None
) -> list[StillLoop]:
    """Return the loops that stand still, of those that should do a round every so many seconds.

    One that has just started has its time, and each has it from when the watcher is there: a
    server that was off for a night starts its loops with itself.
    """
    now = now or datetime.now(UTC)
    ran = Coalesce("succeeded_at", "started_at")
    latest = LoopRound.objects.values("loop").annotate(at=Max(Greatest(ran, "started_at")))
    seen = dict(latest.values_list("loop", "at"))
    still = {
        loop: since
        for loop, seconds in loops.items()
        if max(since := seen.get(loop, watched_since), watched_since)
        < now - max(PATIENCE, timedelta(seconds=seconds * _ROUNDS_MISSED))
    }
    errors = LoopRound.objects.filter(loop__in=still).order_by("noted_at") if still else ()
    said = {row.loop: row.error for row in errors if row.error}
    return [
        StillLoop(loop=loop, since=since, error=said.get(loop, "")) for loop, since in still.items()
    ]
