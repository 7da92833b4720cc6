"""The link that ends mail to somebody, without a log-in: it mutes a channel and does nothing else.

Its token does not expire, since a mail that asks to be left alone may be years old.
"""

from django.core import signing

from approvals.display.addresses import write_address
from approvals.models import Channel

_SIGNER = signing.Signer(salt="approvals.mute")


def write_mute_address(channel: Channel) -> str:
    token = _SIGNER.sign(str(channel.pk))
    return write_address("mute", token)


def find_muted_by(token: str) -> Channel | None:
    """Return the channel that a token is for, None for a token that we did not make."""
    try:
        number = _SIGNER.unsign(token)
    except signing.BadSignature:
        return None
    return Channel.objects.filter(pk=number).first()


def turn_off(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(is_on=False)
