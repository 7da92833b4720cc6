"""When and where somebody wants to be told, as they say it on their own page."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from approvals.messages.recipients import default_kind, get_channel
from approvals.messages.reminding import GRACE
from approvals.messages.timing import utc_now
from approvals.models import Channel, Notification, Profile

_TESTS = 50  # looked at for the last of each channel


def find_channel(user: User, kind: Channel.Kind = Channel.Kind.EMAIL) -> Channel:
    """Return where a user hears, as it would be made for who has none yet."""
    found = Channel.objects.filter(user=user, kind=kind).first()
    return found or Channel(
        user=user, kind=kind, is_on=kind in {Channel.Kind.EMAIL, default_kind()}
    )


def save_preferences(
    user: User, *, zone: str, hours: str, is_on: bool, by_slack: bool | None = None
) -> None:
    """Keep when and whether a user is told; what waits for another moment is looked at anew.

    `is_on` is of mail, and `by_slack` is None where it is not to be changed.
    """
    with transaction.atomic():
        Profile.objects.update_or_create(user=user, defaults={"zone": zone, "hours": hours})
        _switch(get_channel(user), is_on=is_on)
        if by_slack is not None:
            _switch(get_channel(user, Channel.Kind.SLACK), is_on=by_slack)
        _recheck(user)


def mute(user: User, span: timedelta) -> None:
    """Hold back what a user would be told for a while; without length, stop holding it back."""
    with transaction.atomic():
        get_channel(user, default_kind() or Channel.Kind.EMAIL)
        until = utc_now() + span if span else None
        Channel.objects.filter(user=user).update(muted_until=until)
        _recheck(user)


def find_muted_until(user: User) -> datetime | None:
    """Return until when a user is told nothing, None where they are told."""
    muted = Channel.objects.filter(user=user, muted_until__gt=utc_now())
    return muted.values_list("muted_until", flat=True).first()


def list_last_tests(user: User) -> list[Notification]:
    """Return the last test message of each channel that a user asked for."""
    tests = Notification.objects.filter(channel__user=user, kind=Notification.Kind.TEST)
    newest = tests.select_related("channel").order_by("-id")[:_TESTS]
    return list({row.channel_id: row for row in reversed(newest)}.values())


def _switch(channel: Channel, *, is_on: bool) -> None:
    Channel.objects.filter(pk=channel.pk).update(is_on=is_on)


def _recheck(user: User) -> None:
    now = utc_now()
    postponed = Notification.objects.filter(
        channel__user=user,
        outcome=Notification.Outcome.WAITING,
        tries=0,
        next_try_at__gt=now + GRACE,
    )
    postponed.update(next_try_at=now)
