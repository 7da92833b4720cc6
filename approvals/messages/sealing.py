"""What messages keep secret at rest: the secrets of webhooks and the addresses of channels."""

from typing import Any

from django.db import transaction

from approvals.models import Channel, Webhook
from flowruns.encryption import decrypt_text, encrypt_text
from flowruns.signals import encrypting_anew

_PURPOSE = "approvals webhooks"


def connect() -> None:
    """Take part when the server's key is changed."""
    encrypting_anew.connect(seal_anew, dispatch_uid="approvals.seal_anew")


def seal(text: str) -> str:
    """Return a text encrypted by the first of the server's keys."""
    return encrypt_text(text, purpose=_PURPOSE)


def unseal_secrets(webhook: Webhook) -> str:
    """Return what `signing` keeps of a webhook. Raises `EncryptionKeyChanged`."""
    of = f"The secret of the webhook {webhook.name!r}"
    return decrypt_text(webhook.secrets, purpose=_PURPOSE, of=of)


def unseal_address(channel: Channel) -> str:
    """Return where a channel leads. Raises `EncryptionKeyChanged`."""
    of = f"The address of the channel {str(channel)!r}"
    return decrypt_text(channel.address, purpose=_PURPOSE, of=of)


@transaction.atomic
def seal_anew(**_: Any) -> None:
    """Encrypt with the first key all that messages keep. Raises `EncryptionKeyChanged`."""
    for webhook in Webhook.objects.select_for_update():
        webhook.secrets = seal(unseal_secrets(webhook))
        webhook.save(update_fields=["secrets"])
    for channel in Channel.objects.select_for_update().exclude(address=""):
        channel.address = seal(unseal_address(channel))
        channel.save(update_fields=["address"])
