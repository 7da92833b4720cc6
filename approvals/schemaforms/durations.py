"""What people may type for a duration, and how it is sent."""

import re
from datetime import timedelta

from approvals.schemaforms.values import ValueUnreadable

_ISO_DURATION = re.compile(
    r"[+-]?P(?=[\dT])(?:\d+(?:\.\d+)?Y)?(?:\d+(?:\.\d+)?M)?(?:\d+(?:\.\d+)?W)?"
    r"(?:\d+(?:\.\d+)?D)?(?:T(?=\d)(?:\d+(?:\.\d+)?H)?(?:\d+(?:\.\d+)?M)?"
    r"(?:\d+(?:\.\d{1,9})?S)?)?",
    re.ASCII,
)
_CLOCK_DURATION = re.compile(
    r"(-)?(?:(\d+)\s*(?:d|days?),?\s+)?(\d+):(\d{2})(?::(\d{2}(?:\.\d{1,6})?))?",
    re.ASCII | re.IGNORECASE,
)
_WORDY_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)[\s,]*", re.ASCII | re.IGNORECASE)
_UNITS = {
    "w": "weeks",
    "week": "weeks",
    "weeks": "weeks",
    "d": "days",
    "day": "days",
    "days": "days",
    "h": "hours",
    "hr": "hours",
    "hrs": "hours",
    "hour": "hours",
    "hours": "hours",
    "m": "minutes",
    "min": "minutes",
    "mins": "minutes",
    "minute": "minutes",
    "minutes": "minutes",
    "s": "seconds",
    "sec": "seconds",
    "secs": "seconds",
    "second": "seconds",
    "seconds": "seconds",
    "ms": "milliseconds",
}


def read_duration(text: str) -> str:
    """Read an ISO 8601 duration as it is, or one such as `1h 30m` or `01:30:00` into ISO 8601."""
    text = text.strip()
    if len(text) > 100:
        raise ValueUnreadable("This duration is too long.")
    if _ISO_DURATION.fullmatch(text):
        _require_short(text)
        return text
    try:
        span = _read_clock_duration(text) or _read_wordy_duration(text)
    except OverflowError:
        raise ValueUnreadable("This duration is too long.") from None
    if span is None:
        raise ValueUnreadable("Enter a duration such as 1h 30m, 90 s, 2 days or P1DT2H.")
    return write_duration(span)


def _require_short(text: str) -> None:
    """Refuse what no timedelta holds; days count most, and a year is at most 366 of them."""
    parts = re.findall(r"(\d+)(?:\.\d+)?([YMWD])", text.partition("T")[0])
    days = sum(int(number) * {"Y": 366, "M": 31, "W": 7, "D": 1}[unit] for number, unit in parts)
    if days > timedelta.max.days or re.search(r"\d{13}", text):
        raise ValueUnreadable("This duration is too long.")


def _read_clock_duration(text: str) -> timedelta | None:
    found = _CLOCK_DURATION.fullmatch(text)
    if not found:
        return None
    span = timedelta(
        days=int(found[2] or 0),
        hours=int(found[3]),
        minutes=int(found[4]),
        seconds=float(found[5] or 0),
    )
    return -span if found[1] else span


def _read_wordy_duration(text: str) -> timedelta | None:
    negative = text.startswith("-")
    rest = text.removeprefix("-").strip()
    total = timedelta()
    if not rest:
        return None
    while rest:
        part = _WORDY_PART.match(rest)
        unit = _UNITS.get(part[2].lower()) if part else None
        if part is None or unit is None:
            return None
        total += timedelta(**{unit: float(part[1])})
        rest = rest[part.end() :]
    return -total if negative else total


_PLAIN_DURATION = re.compile(
    r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)


def describe_duration(text: str) -> str:
    """Write an ISO 8601 duration as a person would type it, where that reads back the same."""
    found = _PLAIN_DURATION.fullmatch(text)
    if not found:
        return text
    sign, *numbers = found.groups()
    units = (" day" if numbers[0] == "1" else " days", "h", "m", "s")
    parts = zip(numbers, units, strict=True)
    words = sign + " ".join(f"{number}{unit}" for number, unit in parts if number)
    try:
        return words if read_duration(words) == text else text
    except ValueUnreadable:
        return text


def write_duration(span: timedelta) -> str:
    sign = "-" if span < timedelta() else ""
    span = abs(span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{span.microseconds:06}".rstrip("0") if span.microseconds else ""
    days = f"{span.days}D" if span.days else ""
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    clock += f"{seconds}{fraction}S" if seconds or fraction else ""
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{days}" + (f"T{clock}" if clock else "")
