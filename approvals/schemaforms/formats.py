"""What people may type for dates, times and the formats of text.

As lenient as pydantic is, for a flow reads the answer with it; stricter only where pydantic
would guess (a bare number as a date) or reads something else than was meant.
"""

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from approvals.schemaforms.values import ValueUnreadable

_TIME = r"(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
_OFFSET = r"[Zz]|[+-]\d{2}:?\d{2}"
_DATE_TIME = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})[Tt _]({_TIME})\s*({_OFFSET})?", re.ASCII)
_TIME_AND_OFFSET = re.compile(rf"({_TIME})\s*({_OFFSET})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_date(text: str) -> str:
    text = text.strip()
    if not _DATE.fullmatch(text):
        raise ValueUnreadable("Enter a date as year-month-day, such as 2026-03-31.")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueUnreadable("This day does not exist.") from None
    return text


def read_time(text: str) -> str:
    text = text.strip()
    found = _TIME_AND_OFFSET.fullmatch(text)
    if not found:
        raise ValueUnreadable("Enter a time as hours:minutes, such as 14:30.")
    _require_clock_time(found[2], found[3], found[4])
    _require_offset(found[6])
    return text


def split_datetime(text: str) -> tuple[str, str]:
    """Split `text` into local date and time, and zone ("" if it names none)."""
    found = _DATE_TIME.fullmatch(text.strip())
    if not found:
        return text, ""
    offset = found[7] or ""
    return f"{found[1]}T{found[2]}", "UTC" if offset in {"Z", "z"} else offset


def read_datetime(text: str, zone: str) -> str:
    """Join a local date and time with its zone; an offset inside `text` comes first."""
    found = _DATE_TIME.fullmatch(text.strip())
    if not found:
        raise ValueUnreadable("Enter a date and time, such as 2026-03-31 14:30.")
    read_date(found[1])
    _require_clock_time(found[3], found[4], found[5])
    local = f"{found[1]}T{found[2].replace(',', '.')}"
    if found[7]:
        _require_offset(found[7])
        return local + found[7]
    return local + _offset_at(datetime.fromisoformat(local), zone.strip())


def _require_clock_time(hours: str, minutes: str, seconds: str | None) -> None:
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        raise ValueUnreadable("This time of day does not exist.")


def _require_offset(offset: str | None) -> None:
    digits = re.sub(r"\D", "", offset or "")
    if digits and (int(digits[:2]) > 23 or int(digits[2:]) > 59):
        raise ValueUnreadable("This offset from UTC does not exist.")


def _offset_at(local: datetime, zone: str) -> str:
    if not zone:
        return ""
    if zone.upper() in {"UTC", "Z"}:
        return "Z"
    if re.fullmatch(_OFFSET, zone):
        _require_offset(zone)
        return zone
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueUnreadable(
            "This time zone is not known. Enter one such as Europe/Berlin, UTC or +02:00, "
            "or leave it empty for a time without zone."
        ) from None
    return _write_offset(_settle_offset(local, info))


def _settle_offset(local: datetime, zone: ZoneInfo) -> timedelta:
    """Return the one offset of a local time; refuse times that do not exist or exist twice."""
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if first is None or second is None:
        raise ValueUnreadable("This time zone is not known.")
    if first > second:
        raise ValueUnreadable(
            "The clocks are put back then and this time comes twice. "
            f"Enter {_write_offset(first)} or {_write_offset(second)} as its zone."
        )
    if first < second:
        raise ValueUnreadable("The clocks are put forward then and this time does not exist.")
    return first


def _write_offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def describe_datetime(text: str) -> str:
    """Write a date-time for a person: its day, its time and its zone apart."""
    local, zone = split_datetime(text)
    return f"{local.replace('T', ' ')} {zone}".strip()


def describe_timestamp(number: float) -> str:
    """Write seconds or milliseconds since 1970 as pydantic reads them, "" if it would not."""
    seconds = number / 1000 if abs(number) > _LARGEST_SECONDS else number
    try:
        moment = datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


_LARGEST_SECONDS = 20_000_000_000


def read_base64(text: str, *, url_safe: bool) -> str:
    """Accept both alphabets, with or without line breaks; return the one that is asked for."""
    packed = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise ValueUnreadable("This is not Base64 text. Choose a file instead.") from None
    return packed.replace("+", "-").replace("/", "_") if url_safe else packed


def write_base64(content: bytes, *, url_safe: bool) -> str:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    return encode(content).decode("ascii")


_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>.]+(?:\.[^\s@<>.]+)+\.?")
_NAMED_EMAIL = re.compile(r"[^<>\n]*<([^<>\n]+)>\s*")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


def format_complaint(name: str, text: str) -> str:
    """Say what is wrong with `text` as an e-mail address, URL, … or "" if nothing is."""
    match name:
        case "email" | "idn-email":
            return "" if _EMAIL.fullmatch(text) else "Enter an e-mail address: name@example.org."
        case "name-email":
            named = _NAMED_EMAIL.fullmatch(text)
            ok = _EMAIL.fullmatch(named[1] if named else text)
            return "" if ok else "Enter an e-mail address: name@example.org."
        case "uri" | "multi-host-uri" | "iri":
            return "" if _is_uri(text) else "Enter a full address, such as https://…"
        case "uuid" | "uuid1" | "uuid3" | "uuid4" | "uuid5" | "uuid6" | "uuid7" | "uuid8":
            return _uuid_complaint(name, text)
        case "regex":
            return _regex_complaint(text)
        case _:
            return _address_complaint(name, text)


def _is_uri(text: str) -> bool:
    if not _URI.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.netloc) or parts.scheme not in {"http", "https", "ws", "wss", "ftp"}


def _uuid_complaint(name: str, text: str) -> str:
    try:
        found = uuid.UUID(text)
    except ValueError:
        return "Enter a UUID: 32 digits 0-9 and a-f in groups 8-4-4-4-12."
    if name != "uuid" and found.version != int(name[-1]):
        return f"Enter a UUID of version {name[-1]}."
    return ""


def _regex_complaint(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return "Enter a regular expression; this one cannot be read."
    return ""


_ADDRESSES: dict[str, tuple[Callable[[str], object], str]] = {
    "ipv4": (ipaddress.IPv4Address, "an IPv4 address, such as 192.0.2.1"),
    "ipv6": (ipaddress.IPv6Address, "an IPv6 address, such as 2001:db8::1"),
    "ipvanyaddress": (ipaddress.ip_address, "an IP address"),
    "ipv4network": (ipaddress.IPv4Network, "an IPv4 network, such as 192.0.2.0/24"),
    "ipv6network": (ipaddress.IPv6Network, "an IPv6 network, such as 2001:db8::/32"),
    "ipvanynetwork": (ipaddress.ip_network, "an IP network"),
    "ipv4interface": (ipaddress.IPv4Interface, "an IPv4 address with its network"),
    "ipv6interface": (ipaddress.IPv6Interface, "an IPv6 address with its network"),
    "ipvanyinterface": (ipaddress.ip_interface, "an IP address with its network"),
}


def _address_complaint(name: str, text: str) -> str:
    if name in {"file-path", "directory-path"} and not text.strip():
        return "Enter a path."
    if name not in _ADDRESSES:
        return ""
    read, words = _ADDRESSES[name]
    try:
        read(text)
    except ValueError:
        return f"Enter {words}."
    return ""
