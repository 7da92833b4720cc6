"""Secrets at rest, such as the values of blocks, any of which may be one."""

import base64
import json
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from flowruns.domain.errors import EncryptionKeyChanged


def encrypt(data: dict[str, Any]) -> str:
    """Return a token of the data, by the first of the server's keys."""
    return _fernet().encrypt(json.dumps(data, ensure_ascii=False).encode()).decode()


def decrypt(token: str, *, of: str) -> dict[str, Any]:
    """Return the data of a token by any of the server's keys; `of` says whose: "The block 'x'".

    Raises `EncryptionKeyChanged`.
    """
    try:
        data: dict[str, Any] = json.loads(_fernet().decrypt(token))
    except InvalidToken:
        raise EncryptionKeyChanged(
            f"{of} was encrypted with a key that is neither in ENCRYPTION_KEY nor SECRET_KEY: add"
            " that key at the end of the server's ENCRYPTION_KEY, or delete it and save it anew."
        ) from None
    return data


def _fernet() -> MultiFernet:
    return _make_fernet(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _make_fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    """Make a key for this purpose alone; those given are long and random, so none is stretched."""
    derived = HKDF(SHA256(), length=32, salt=None, info=b"flowruns blocks").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
