"""iCalendar recurrence rules (RFC 5545) as times of the clock, bounded for any rule.

dateutil knows the rules; this module decides where it begins and when it must stop. A rule that
is asked from 2020 on would first walk through every second since then, and one that matches no
day would be looked for until the year 9999.
"""

import heapq
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dateutil import parser, tz
from dateutil.rrule import rrulestr

MAX_COUNT = 10_000
MAX_RULES = 20
MAX_INTERVAL = 100_000
# How long one question may take; then it ends with what was found.
MAX_SECONDS = 0.5

# As Prefect 3.9: the start of rules that name none.
_DEFAULT_START = datetime(2020, 1, 1)  # noqa: DTZ001 -- a time of the clock
_LATEST_START = 2300
_STEPS = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
}
_LESS_THAN_A_DAY = {"SECONDLY", "MINUTELY", "HOURLY"}
# The calendar repeats after 400 years. Asked that much later, dateutil gives up 20 times sooner.
_CYCLES = 19 * 400
_MARGIN = timedelta(hours=3)  # no clock is set back further


class RecurrenceUnreadable(ValueError):
    """The recurrence rule cannot be served."""


@dataclass(slots=True)
class _Recurrence:
    """The parts of a rule text, with times of the clock."""

    start: datetime = _DEFAULT_START
    rules: list[dict[str, str]] = field(default_factory=list)
    except_rules: list[dict[str, str]] = field(default_factory=list)
    dates: list[datetime] = field(default_factory=list)
    except_dates: list[datetime] = field(default_factory=list)


def check_rrule(text: str) -> None:
    """Raise `RecurrenceUnreadable` for what is malformed or cannot be bounded."""
    try:
        rrulestr(text)
        recurrence = _parse(text)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise RecurrenceUnreadable(f"Invalid RRule string: {error}") from None
    if recurrence.start.year > _LATEST_START:
        raise RecurrenceUnreadable(f"DTSTART must lie before the year {_LATEST_START}")
    every = [*recurrence.rules, *recurrence.except_rules]
    if len(every) > MAX_RULES:
        raise RecurrenceUnreadable(f"must not have more than {MAX_RULES} rules")
    for rule in every:
        _check_bounds(rule)
        try:
            next(_occurrences(rule, recurrence.start, datetime.now(UTC).replace(tzinfo=None)), None)
        except ValueError as error:
            raise RecurrenceUnreadable(str(error)) from None


def recurring(text: str, *, timezone: str, start: datetime) -> Iterator[datetime]:
    """Yield dates in UTC from `start` on, in the order of the zone's clock.

    Zones are dateutil's, as in Prefect 3.9: a time of the clock that is skipped is an hour
    earlier, one that repeats is the first.
    """
    if start.year > _LATEST_START:
        return
    recurrence = _parse(text)
    zone = tz.gettz(timezone)
    begin = start.astimezone(zone).replace(tzinfo=None) - _MARGIN
    deadline = time.monotonic() + MAX_SECONDS
    for moment in _merge(recurrence, begin):
        if time.monotonic() > deadline:
            return
        date = moment.replace(tzinfo=zone).astimezone(UTC) if moment else None
        if date is not None and date >= start:
            yield date


def _parse(text: str) -> _Recurrence:
    recurrence = _Recurrence()
    for line in text.upper().split():
        head, _, value = line.rpartition(":")
        name = head.partition(";")[0] or "RRULE"
        if name == "DTSTART":
            recurrence.start = _clock_time(value)
        elif name in {"RRULE", "EXRULE"}:
            rule = dict(part.split("=", 1) for part in value.split(";"))
            (recurrence.rules if name == "RRULE" else recurrence.except_rules).append(rule)
        else:
            dates = [_clock_time(date) for date in value.split(",")]
            (recurrence.dates if name == "RDATE" else recurrence.except_dates).extend(dates)
    return recurrence


def _clock_time(text: str) -> datetime:
    """Read a time of the clock: the schedule's zone takes the place of any other (as Prefect)."""
    return parser.parse(text).replace(tzinfo=None)


def _check_bounds(rule: dict[str, str]) -> None:
    if not 1 <= int(rule.get("INTERVAL", "1")) <= MAX_INTERVAL:
        raise RecurrenceUnreadable(f"INTERVAL must be from 1 to {MAX_INTERVAL}")
    if int(rule.get("COUNT", "0")) > MAX_COUNT:
        raise RecurrenceUnreadable(f"COUNT must not be more than {MAX_COUNT}")
    if "BYEASTER" in rule:
        raise RecurrenceUnreadable("BYEASTER is not served")
    if "BYSETPOS" in rule and rule["FREQ"] in _LESS_THAN_A_DAY:
        raise RecurrenceUnreadable("BYSETPOS needs a FREQ of DAILY or longer")


def _merge(recurrence: _Recurrence, begin: datetime) -> Iterator[datetime | None]:
    """Yield every moment of the rules in order, None in the place of one that is left out.

    A whole rule may be left out, so that the caller must hear of what it does not get.
    """
    included = _in_order(recurrence.rules, recurrence.dates, recurrence.start, begin)
    excluded = _in_order(recurrence.except_rules, recurrence.except_dates, recurrence.start, begin)
    left_out = next(excluded, None)
    for moment in included:
        while left_out is not None and left_out < moment:
            left_out = next(excluded, None)
            yield None
        yield None if moment == left_out else moment


def _in_order(
    rules: list[dict[str, str]], dates: list[datetime], start: datetime, begin: datetime
) -> Iterator[datetime]:
    sources: list[Iterable[datetime]] = [_occurrences(rule, start, begin) for rule in rules]
    return heapq.merge(*sources, sorted(dates))


def _occurrences(rule: dict[str, str], start: datetime, begin: datetime) -> Iterator[datetime]:
    """Yield the moments of one rule, from shortly before `begin` where that is possible."""
    rule = dict(rule)
    until = rule.pop("UNTIL", None)
    last = _clock_time(until) if until else datetime.max  # noqa: DTZ901 -- a time of the clock
    text = ";".join(f"{name}={value}" for name, value in rule.items())
    first = _begin_later(rule, start, begin)
    for moment in rrulestr(text, dtstart=first.replace(year=first.year + _CYCLES)):
        date = moment.replace(year=moment.year - _CYCLES)
        if date > last:
            return
        yield date


def _begin_later(rule: dict[str, str], start: datetime, begin: datetime) -> datetime:
    """Move the start by whole periods, which changes nothing but where counting begins.

    Months and years differ in length, but from the year 1 on there are few of them.
    """
    step = _STEPS.get(rule["FREQ"])
    if step is None or "COUNT" in rule or begin <= start:
        return start
    period = step * int(rule.get("INTERVAL", "1"))
    return start + (begin - start) // period * period
