"""When a served flow starts by itself; semantics of `prefect.schedules` in Prefect 3.9."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flowruns.sdk.runs.parameters import to_json_object
from flowruns.wire.schedules import ScheduleCreate


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One of `interval`, `cron` and `rrule`, and what goes with it.

    `timezone` is an IANA name, UTC by default. An interval is counted from `anchor_date`, now by
    default. `parameters` go over those of the deployment; `slug` names the schedule within it.
    `active` is whether it is on; unsaid it is at first, and stays off where it was switched off
    until it changes.
    """

    interval: timedelta | None = None
    cron: str | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime | None = None
    day_or: bool = True
    active: bool | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    slug: str | None = None

    def __post_init__(self) -> None:
        given = [self.interval, self.cron, self.rrule]
        if sum(kind is not None for kind in given) != 1:
            raise ValueError("A schedule needs exactly one of: interval, cron, rrule")

    def to_wire(self) -> ScheduleCreate:
        """Return the schedule as it travels; raises ValueError for one that cannot be served."""
        when: dict[str, Any] = {"timezone": self.timezone}
        if self.interval is not None:
            when["interval"] = self.interval
            when |= {"anchor_date": self.anchor_date} if self.anchor_date else {}
        elif self.cron is not None:
            when |= {"cron": self.cron, "day_or": self.day_or}
        else:
            when["rrule"] = self.rrule
        sent = {"schedule": when, "active": self.active is not False, "slug": self.slug}
        return ScheduleCreate.model_validate(sent | {"parameters": to_json_object(self.parameters)})


def Cron(cron: str, /, timezone: str | None = None, **options: Any) -> Schedule:  # noqa: N802 -- Prefect's name
    """Make a schedule from a cron expression, on the clock of `timezone`.

    Example: `Cron("0 9 * * 1-5", "Europe/Berlin", parameters={"loud": True})`
    """
    return Schedule(cron=cron, timezone=timezone, **options)


def Interval(  # noqa: N802 -- Prefect's name
    interval: timedelta | float, /, anchor_date: datetime | None = None, **options: Any
) -> Schedule:
    """Make a schedule that comes every so many seconds; of a day or more, at the same hour.

    Example: `Interval(timedelta(hours=2), timezone="America/New_York")`
    """
    length = interval if isinstance(interval, timedelta) else timedelta(seconds=interval)
    return Schedule(interval=length, anchor_date=anchor_date, **options)


def RRule(rrule: str, /, timezone: str | None = None, **options: Any) -> Schedule:  # noqa: N802 -- Prefect's name
    """Make a schedule from an iCalendar recurrence rule (RFC 5545).

    Example: `RRule("FREQ=MONTHLY;BYDAY=-1FR", "UTC")`
    """
    return Schedule(rrule=rrule, timezone=timezone, **options)


def collect_schedules(
    *,
    interval: timedelta | float | Iterable[timedelta | float] | None = None,
    cron: str | Iterable[str] | None = None,
    rrule: str | Iterable[str] | None = None,
    schedule: Schedule | None = None,
    schedules: Iterable[Schedule] | None = None,
) -> tuple[Schedule, ...]:
    """Return the schedules that `serve` was given in one of these ways, as Prefect 3.9 takes them.

    Raises ValueError where there are two.
    """
    ways = [
        [Interval(each) for each in _each(interval)],
        [Cron(each) for each in _each(cron)],
        [RRule(each) for each in _each(rrule)],
        [each for each in (schedule,) if each is not None],
        list(schedules or ()),
    ]
    given = [way for way in ways if way]
    if len(given) > 1:
        raise ValueError("Give only one of: interval, cron, rrule, schedule, schedules")
    return tuple(given[0]) if given else ()


def _each(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    is_one = isinstance(value, str | int | float | timedelta)
    return (value,) if is_one else value
