"""What messages keep secret at rest: the secrets of webhooks and the addresses of channels."""

import base64
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from approvals.models import Channel, Webhook
from flowruns.domain.errors import EncryptionKeyChanged
from flowruns.signals import encrypting_anew


def connect() -> None:
    """Take part when the server's key is changed."""
    encrypting_anew.connect(seal_anew, dispatch_uid="approvals.seal_anew")


def seal(text: str) -> str:
    """Return a text encrypted by the first of the server's keys."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Return a text that any of the server's keys has encrypted. Raises `InvalidToken`."""
    return _fernet().decrypt(sealed).decode()


@transaction.atomic
def seal_anew(**_: Any) -> None:
    """Encrypt with the first key all that messages keep. Raises `EncryptionKeyChanged`."""
    for webhook in Webhook.objects.select_for_update():
        webhook.secrets = _rotate(webhook.secrets, name=f"secret of the webhook {webhook.name!r}")
        webhook.save(update_fields=["secrets"])
    for channel in Channel.objects.select_for_update().exclude(address=""):
        channel.address = _rotate(channel.address, name=f"address of the channel {str(channel)!r}")
        channel.save(update_fields=["address"])


def _rotate(sealed: str, *, name: str) -> str:
    try:
        return _fernet().rotate(sealed).decode()
    except InvalidToken:
        raise EncryptionKeyChanged(
            f"The {name} was encrypted with a key that is neither in ENCRYPTION_KEY nor SECRET_KEY:"
            " add that key at the end of the server's ENCRYPTION_KEY, or make it anew."
        ) from None


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in settings.ENCRYPTION_KEYS])


def _derive(key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"approvals webhooks").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
