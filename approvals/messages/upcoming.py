"""When the loops that deliver have something to do next; where a way is not used, never."""

from datetime import datetime

from django.conf import settings

from approvals.messages.recipients import kinds_in_use
from approvals.messages.timing import utc_now
from approvals.models import Channel, Notification, WebhookDelivery

_WAITING = Notification.Outcome.WAITING


def find_mail() -> datetime | None:
    return _find_message(Channel.Kind.EMAIL)


def find_slack() -> datetime | None:
    return _find_message(Channel.Kind.SLACK)


def find_push() -> datetime | None:
    return _find_message(Channel.Kind.PUSH)


def find_teams() -> datetime | None:
    return _find_message(Channel.Kind.TEAMS)


def find_apprise() -> datetime | None:
    return _find_message(Channel.Kind.APPRISE)


def find_webhooks() -> datetime | None:
    waiting = WebhookDelivery.objects.filter(outcome=_WAITING).order_by("next_try_at")
    return waiting.values_list("next_try_at", flat=True).first()


def find_presses() -> datetime | None:
    """Return now where this server listens to Slack, whose connection may end at any time."""
    return utc_now() if settings.SLACK_APP_TOKEN else None


def _find_message(kind: Channel.Kind) -> datetime | None:
    if kind not in kinds_in_use():
        return None
    waiting = Notification.objects.filter(outcome=_WAITING, channel__kind=kind)
    return waiting.order_by("next_try_at").values_list("next_try_at", flat=True).first()
