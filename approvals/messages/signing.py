"""Signatures as Standard Webhooks has them, and the secrets that make them, encrypted at rest."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PREFIX = "whsec_"
_BYTES = 32
# After a rotation the old secret signs beside the new one, so that receivers can change over.
OVERLAP = timedelta(hours=24)


def make_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def sign(secret: str, *, name: str, moment: datetime, body: str) -> str:
    """Return a signature of a message; `moment` is that of this try, `name` that of the message."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{name}.{int(moment.timestamp())}.{body}"
    digest = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def seal_secrets(secret: str, *, before: str = "", now: datetime | None = None) -> str:
    """Return an encrypted text of a new secret, and of the one before, which ends in a day."""
    kept = [{"secret": secret, "until": ""}]
    if before:
        until = (now or datetime.now(UTC)) + OVERLAP
        kept.append({"secret": open_secrets(before)[0], "until": until.isoformat()})
    return _fernet().encrypt(json.dumps(kept).encode()).decode()


def open_secrets(sealed: str, *, now: datetime | None = None) -> list[str]:
    """Return the secrets that sign now, the newest first. Raises `InvalidToken`."""
    moment = now or datetime.now(UTC)
    kept = json.loads(_fernet().decrypt(sealed))
    return [
        each["secret"]
        for each in kept
        if not each["until"] or datetime.fromisoformat(each["until"]) > moment
    ]


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in settings.ENCRYPTION_KEYS])


def _derive(key: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"approvals webhooks").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
