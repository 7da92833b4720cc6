"""When somebody is told: not while muted or at rest, and not more often than every few minutes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User

from approvals.models import Channel, Notification, Profile
from approvals.policies.hours import (
    WorkingHours,
    next_opening,
    parse_hours,
    recall_hours,
    recall_zone,
)
from approvals.services.calendars import read_days_off_of

# After a message, what follows is gathered for so long and comes as one.
GATHERED = timedelta(minutes=5)
# Nobody is spared what would end so soon after the moment until which they are left alone.
_MARGIN = timedelta(minutes=30)
_ASKED_FOR = {Notification.Kind.TEST, Notification.Kind.CODE}
_PRESSING = {Notification.Kind.WAITS, Notification.Kind.LAST_CALL, Notification.Kind.OBSTRUCTED}


def read_profile(user: User) -> Profile:
    """Return when a user wants to be told, by the server's settings if they have not said it."""
    found = Profile.objects.filter(user=user).first()
    return found or Profile(user=user, zone=_default_zone(), hours=_default_hours())


def zone_of(channel: Channel) -> ZoneInfo:
    """Return the time zone of whoever hears there."""
    user = channel.user
    return recall_zone(read_profile(user).zone if user else _default_zone())


def find_moment(channel: Channel, rows: Iterable[Notification], *, now: datetime) -> datetime:
    """Return when these rows are to go out: now, or when whoever gets them is to be disturbed.

    What ends before then, or shortly after, goes out now, unless they have muted the channel.
    """
    rows = list(rows)
    if (
        channel.user is None
        or is_quiet(channel, rows)
        or any(row.kind in _ASKED_FOR for row in rows)
    ):
        return now
    if channel.muted_until is not None and channel.muted_until > now:
        return channel.muted_until
    gathered = channel.told_at + GATHERED if channel.told_at else now
    moment = _open(read_profile(channel.user), max(now, gathered))
    return now if any(_is_pressing(row, moment) for row in rows) else moment


def is_quiet(channel: Channel, rows: Iterable[Notification]) -> bool:
    """Whether these rows only change messages that are there already, and disturb nobody."""
    is_edit = channel.kind == Channel.Kind.SLACK
    return is_edit and all(row.kind == Notification.Kind.ENDED for row in rows)


def _is_pressing(row: Notification, moment: datetime) -> bool:
    ends = row.approval.expires_at if row.approval else None
    return row.kind in _PRESSING and ends is not None and ends < moment + _MARGIN


def _open(profile: Profile, moment: datetime) -> datetime:
    hours = read_hours(profile)
    return next_opening(hours, moment) if hours else moment


def read_hours(profile: Profile) -> WorkingHours | None:
    """Return somebody's working hours, None where any time will do."""
    if not profile.hours:
        return None
    hours = recall_hours(profile.hours, zone=profile.zone)
    return replace(hours, days_off=read_days_off_of(profile.user))


def _default_hours() -> str:
    return parse_hours(settings.WORKING_HOURS).line if settings.WORKING_HOURS else ""


def _default_zone() -> str:
    return parse_hours(settings.WORKING_HOURS).zone.key if settings.WORKING_HOURS else "UTC"


def utc_now() -> datetime:
    return datetime.now(UTC)
