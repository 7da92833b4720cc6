"""When a schedule is due: the dates of intervals, cron expressions and recurrence rules.

Semantics of Prefect 3.9, with two differences. An interval of a day or more keeps its clock
hour whenever it is asked: Prefect counts elapsed seconds up to the start and so gives other
dates before and after a change of clocks. And no date lies before the start: Prefect repeats
the hour before it when it is asked within the hour that clocks are set back by.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, CroniterError, croniter

from flowruns.domain.errors import InvalidSchedule
from flowruns.services.deployments.recurrence import RecurrenceUnreadable, check_rrule, recurring
from flowruns.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, Schedule

# As Prefect 3.9: how many candidates one question looks at.
MAX_CANDIDATES = 1000
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def check_schedule(schedule: Schedule) -> None:
    """Raise `InvalidSchedule`, with the field's name, for what gives no dates or far too many."""
    if isinstance(schedule, CronSchedule):
        _check_cron(schedule.cron)
    elif isinstance(schedule, RRuleSchedule):
        try:
            check_rrule(schedule.rrule)
        except RecurrenceUnreadable as error:
            raise InvalidSchedule(f"schedule.rrule: {error}") from None


def next_dates(
    schedule: Schedule, *, start: datetime, end: datetime | None = None
) -> Iterator[datetime]:
    """Yield dates in UTC, none twice, from `start` to `end`, of the first 1,000 candidates."""
    seen: set[datetime] = set()
    for date in islice(_candidates(schedule, start), MAX_CANDIDATES):
        if end is not None and date > end:
            return
        if date >= start and date not in seen:
            seen.add(date)
            yield date


def _candidates(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    try:
        match schedule:
            case IntervalSchedule():
                yield from _at_intervals(schedule, start)
            case CronSchedule():
                yield from _by_cron(schedule, start)
            case RRuleSchedule():
                zone = schedule.timezone or "UTC"
                yield from recurring(schedule.rrule, timezone=zone, start=start)
    except (OverflowError, ValueError):  # the calendar ends with the year 9999
        return


def _at_intervals(schedule: IntervalSchedule, start: datetime) -> Iterator[datetime]:
    """Count clock time for intervals of a day or more, elapsed time for shorter ones."""
    zone = ZoneInfo(schedule.timezone or "UTC") if schedule.interval >= _DAY else UTC
    anchor = schedule.anchor_date.astimezone(zone).replace(tzinfo=None)
    # An hour of the clock may come twice: one step back is never too late to begin
    steps = (start.astimezone(zone).replace(tzinfo=None) - anchor) // schedule.interval - 1
    while True:
        date = anchor + steps * schedule.interval
        date = date.replace(tzinfo=zone).astimezone(UTC)
        if date >= start:
            yield date
        steps += 1


def _by_cron(schedule: CronSchedule, start: datetime) -> Iterator[datetime]:
    """Ask for times of the clock; one that is skipped is an hour later, one that repeats is first.

    croniter's own handling of zones differs from this where clocks change.
    """
    zone = ZoneInfo(schedule.timezone or "UTC")
    before = start.astimezone(zone).replace(tzinfo=None) - _SECOND
    if before.microsecond:
        before += _SECOND
    times = croniter(schedule.cron, before, day_or=schedule.day_or)
    try:
        while True:
            time: datetime = times.get_next(datetime)
            yield time.replace(tzinfo=zone).astimezone(UTC)
    except CroniterBadDateError:  # no such day comes again
        return


def _check_cron(expression: str) -> None:
    if {part.lower() for part in expression.split()} & {"r", "h"}:
        raise InvalidSchedule("schedule.cron: random and hashed expressions are not served")
    try:
        croniter(expression, datetime(2000, 1, 1))  # noqa: DTZ001 -- a time of the clock
    except (CroniterBadCronError, CroniterError, ValueError, KeyError, AttributeError) as error:
        raise InvalidSchedule(f"schedule.cron: {error or 'invalid cron expression'}") from None
