"""When and where somebody wants to be told, as they say it on their own page."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction

from approvals.messages.recipients import get_channel
from approvals.messages.reminding import GRACE
from approvals.messages.timing import utc_now
from approvals.models import Channel, Notification, Profile


def find_channel(user: User) -> Channel:
    """Return where a user hears by mail, as it would be made for who has none yet."""
    found = Channel.objects.filter(user=user, kind=Channel.Kind.EMAIL).first()
    return found or Channel(user=user)


def save_preferences(user: User, *, zone: str, hours: str, is_on: bool) -> None:
    """Keep when and whether a user is told; what waits for another moment is looked at anew."""
    with transaction.atomic():
        Profile.objects.update_or_create(user=user, defaults={"zone": zone, "hours": hours})
        channel = get_channel(user)
        Channel.objects.filter(pk=channel.pk).update(is_on=is_on)
        _recheck(channel)


def mute(user: User, span: timedelta) -> None:
    """Hold back what a user would be told for a while; without length, stop holding it back."""
    with transaction.atomic():
        channel = get_channel(user)
        until = utc_now() + span if span else None
        Channel.objects.filter(pk=channel.pk).update(muted_until=until)
        _recheck(channel)


def find_last_test(user: User) -> Notification | None:
    """Return the last test message that a user asked for."""
    tests = Notification.objects.filter(channel__user=user, kind=Notification.Kind.TEST)
    return tests.order_by("-id").first()


def _recheck(channel: Channel) -> None:
    now = utc_now()
    postponed = channel.notifications.filter(
        outcome=Notification.Outcome.WAITING, tries=0, next_try_at__gt=now + GRACE
    )
    postponed.update(next_try_at=now)
