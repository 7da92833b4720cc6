"""Secrets at rest, such as the values of blocks, any of which may be one.

`cryptography` is imported by the first secret: it takes 7 MB, and many servers keep none.
"""

import base64
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from flowruns.domain.errors import EncryptionKeyChanged

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_PURPOSE = "flowruns blocks"


def encrypt(data: dict[str, Any]) -> str:
    """Return a token of the data, by the first of the server's keys."""
    return encrypt_text(json.dumps(data, ensure_ascii=False), purpose=_PURPOSE)


def decrypt(token: str, *, of: str) -> dict[str, Any]:
    """Return the data of a token by any of the server's keys; `of` says whose: "The block 'x'".

    Raises `EncryptionKeyChanged`.
    """
    data: dict[str, Any] = json.loads(decrypt_text(token, purpose=_PURPOSE, of=of))
    return data


def encrypt_text(text: str, *, purpose: str) -> str:
    """Return a token that only the same purpose opens, by the first of the server's keys."""
    return _make_fernet(tuple(settings.ENCRYPTION_KEYS), purpose).encrypt(text.encode()).decode()


def decrypt_text(token: str, *, purpose: str, of: str) -> str:
    """Return the text of a token by any of the server's keys; `of` says whose it is.

    Raises `EncryptionKeyChanged`.
    """
    from cryptography.fernet import InvalidToken

    try:
        return _make_fernet(tuple(settings.ENCRYPTION_KEYS), purpose).decrypt(token).decode()
    except InvalidToken:
        raise EncryptionKeyChanged(
            f"{of} was encrypted with a key that is neither in ENCRYPTION_KEY nor SECRET_KEY: add"
            " that key at the end of the server's ENCRYPTION_KEY, or delete it and save it anew."
        ) from None


@lru_cache(maxsize=8)
def _make_fernet(keys: tuple[str, ...], purpose: str) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(_derive(key, purpose)) for key in keys])


def _derive(key: str, purpose: str) -> bytes:
    """Make a key for this purpose alone; those given are long and random, so none is stretched."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
