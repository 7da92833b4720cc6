"""Working hours: `Mon-Fri 09:00-17:00 Europe/Berlin`, and when they begin again."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LINE = re.compile(r"(\S+) +(\d\d:\d\d)-(\d\d:\d\d)(?: +(\S+))?")


class HoursUnreadable(ValueError):
    """A line does not name working hours; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingHours:
    """Days by number, 0 for Monday; hours that end before they begin go past midnight.

    `days_off` are dates in `zone` on which no hours begin.
    """

    days: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo
    days_off: frozenset[date] = frozenset()

    @property
    def line(self) -> str:
        """Return the hours as `parse_hours` reads them, without the zone."""
        names = ",".join(DAYS[day] for day in sorted(self.days))
        return f"{names} {self.begin:%H:%M}-{self.end:%H:%M}"


def parse_hours(line: str, *, zone: str = "UTC") -> WorkingHours:
    """Read a line; `zone` counts where the line names none. Raises `HoursUnreadable`."""
    return _read_hours(line, zone, find_zone)


def recall_hours(line: str, *, zone: str = "UTC") -> WorkingHours:
    """Read a line that was read before it was kept; its zone is found as by `recall_zone`."""
    return _read_hours(line, zone, recall_zone)


def find_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises `HoursUnreadable`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise HoursUnreadable(f"{name!r} is not a time zone such as Europe/Berlin.") from None


def recall_zone(name: str) -> ZoneInfo:
    """Return a time zone that there was when its name was kept, UTC where it is gone.

    Names leave the tables of zones, as US/Pacific-New has: whoever had chosen one is told at other
    hours then, and no run fails of it.
    """
    try:
        return find_zone(name)
    except HoursUnreadable:
        return ZoneInfo("UTC")


def next_opening(hours: WorkingHours, moment: datetime) -> datetime:
    """Return when working hours begin next, in UTC; the moment itself where it lies in them."""
    begin, _ = next(_periods(hours, moment))
    return max(moment.astimezone(UTC), begin)


def day_length(hours: WorkingHours) -> timedelta:
    """Return how long one working day is on a day without a change of clocks."""
    anchor = datetime(2000, 1, 3)  # noqa: DTZ001 -- of a clock without zone
    length = datetime.combine(anchor, hours.end) - datetime.combine(anchor, hours.begin)
    return length if length > timedelta() else length + timedelta(days=1)


def add_working_time(hours: WorkingHours, moment: datetime, span: timedelta) -> datetime:
    """Return when so much working time has passed since a moment, in UTC."""
    for opening, end in _periods(hours, moment):
        begin = max(opening, moment.astimezone(UTC))
        if end - begin >= span:
            return begin + span
        span -= end - begin
    raise AssertionError("Working hours never end.")


def last_closing(hours: WorkingHours, moment: datetime) -> datetime:
    """Return when working hours ended last, in UTC; the moment itself where it lies in them."""
    moment = moment.astimezone(UTC)
    before = _periods(hours, moment - timedelta(weeks=1 + len(hours.days_off), days=1))
    *_, (_, end) = takewhile(lambda period: period[0] <= moment, before)
    return min(end, moment)


def _periods(hours: WorkingHours, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield when working hours begin and end, in UTC, from the first that end after a moment."""
    today = moment.astimezone(hours.zone).date()
    goes_past_midnight = hours.end <= hours.begin
    for offset in count(-1):
        day = today + timedelta(days=offset)
        if day.weekday() not in hours.days or day in hours.days_off:
            continue
        last = day + timedelta(days=1) if goes_past_midnight else day
        # Compared in UTC: between two wall clocks of one zone an hour may be missing
        begin = datetime.combine(day, hours.begin, hours.zone).astimezone(UTC)
        end = datetime.combine(last, hours.end, hours.zone).astimezone(UTC)
        if moment < end:
            yield begin, end


def _read_hours(line: str, zone: str, find: Callable[[str], ZoneInfo]) -> WorkingHours:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise HoursUnreadable(f"{line!r} does not look like Mon-Fri 09:00-17:00 Europe/Berlin.")
    days, begin, end, named = found.groups()
    return WorkingHours(
        days=_read_days(days),
        begin=_read_time(begin),
        end=_read_time(end),
        zone=find(named or zone),
    )


def _read_days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin, end = _read_day(first), _read_day(last if dash else first)
        days |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return frozenset(days)


def _read_day(text: str) -> int:
    if text not in DAYS:
        raise HoursUnreadable(f"{text!r} is not one of {', '.join(DAYS)}.")
    return DAYS.index(text)


def _read_time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise HoursUnreadable(f"{text!r} is not a time of the day such as 09:00.") from None
