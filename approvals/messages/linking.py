"""Which of Slack's users somebody is, where their addresses differ: a code that Slack brings them.

The code follows from the message that carries it, so that no row holds it.
"""

import hmac
import re
from datetime import timedelta

from django.contrib.auth.models import User

from approvals.messages.announcing import write_at_once
from approvals.messages.codes import write_code
from approvals.messages.recipients import get_channel
from approvals.messages.slack import link
from approvals.messages.timing import utc_now
from approvals.models import Channel, Notification

VALID = timedelta(minutes=15)
_MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")


def is_member(text: str) -> bool:
    """Whether a text looks like the id of one of Slack's users."""
    return _MEMBER.fullmatch(text) is not None


def send_code(user: User, member: str) -> Notification:
    """Have Slack bring a code to one of its users; `member` is their id."""
    channel = get_channel(user, Channel.Kind.SLACK)
    return write_at_once(channel, Notification.Kind.CODE, {"member": member})


def find_code_sent(user: User) -> Notification | None:
    """Return the last code that is still valid."""
    codes = Notification.objects.filter(channel__user=user, kind=Notification.Kind.CODE)
    return codes.filter(created_at__gt=utc_now() - VALID).order_by("-id").first()


def redeem_code(user: User, typed: str) -> bool:
    """Link somebody with whom the last code was brought to, if they type it."""
    sent = find_code_sent(user)
    if sent is None or not hmac.compare_digest(write_code(sent), _tidy(typed)):
        return False
    link(sent.channel, sent.content["member"], verified_by=Channel.CODE)
    Channel.objects.filter(pk=sent.channel_id).update(is_on=True)
    return True


def _tidy(typed: str) -> str:
    return "".join(letter for letter in typed.upper() if letter.isalnum() and letter.isascii())
