"""Channels of groups, as operators set them: in Slack or Teams, a mailing list, by Apprise."""

import re
from importlib.util import find_spec

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from approvals.messages.sealing import seal
from approvals.models import Channel

KINDS = (Channel.Kind.SLACK, Channel.Kind.TEAMS, Channel.Kind.EMAIL, Channel.Kind.APPRISE)
_ROOM = re.compile(r"[CG][A-Z0-9]{2,20}")


class ChannelProblem(ValueError):
    """A channel cannot be as it was asked for; the message says why."""


def set_channel(name: str, *, kind: Channel.Kind, address: str, group: str = "") -> Channel:
    """Make the channel of a group, or of what anyone may answer, or change it.

    Raises `ChannelProblem`.
    """
    if not name:
        raise ChannelProblem("A channel needs a name.")
    check_address(kind, address)
    found = Group.objects.filter(name=group).first() if group else None
    if group and found is None:
        raise ChannelProblem(f"There is no group {group!r}.")
    chosen = {"kind": kind, "address": seal(address), "group": found, "is_on": True}
    return Channel.objects.update_or_create(name=name, user=None, defaults=chosen)[0]


def check_address(kind: Channel.Kind, address: str) -> None:
    """Say what is wrong with an address, which no message repeats. Raises `ChannelProblem`."""
    match kind:
        case Channel.Kind.SLACK:
            _require(
                bool(_ROOM.fullmatch(address)), "Slack's channel needs its id, such as C012AB3CD."
            )
            _require(bool(settings.SLACK_BOT_TOKEN), "SLACK_BOT_TOKEN is not set.")
        case Channel.Kind.TEAMS:
            _require(_passes(URLValidator(["https"]), address), "A workflow has an https address.")
        case Channel.Kind.EMAIL:
            _require(_passes(validate_email, address), "A mailing list has an e-mail address.")
        case Channel.Kind.APPRISE:
            _require(
                find_spec("apprise") is not None, "It needs: pip install 'approvals[apprise]'."
            )
            _require("://" in address, "Apprise has addresses such as ntfy://topic.")
        case _:
            raise ChannelProblem("A group has no such channel.")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ChannelProblem(otherwise)


def _passes(check: object, address: str) -> bool:
    try:
        check(address)  # type: ignore[operator]
    except ValidationError:
        return False
    return True
