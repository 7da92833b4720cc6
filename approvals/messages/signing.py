"""Signatures as Standard Webhooks has them, and the secrets that make them, encrypted at rest."""

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta

from approvals.messages.sealing import seal, unseal_secrets
from approvals.models import Webhook

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
    """Return an encrypted text of a new secret, and of the one before, which ends in a day.

    Both come in the clear.
    """
    kept = [{"secret": secret, "until": ""}]
    if before:
        until = (now or datetime.now(UTC)) + OVERLAP
        kept.append({"secret": before, "until": until.isoformat()})
    return seal(json.dumps(kept))


def open_secrets(webhook: Webhook, *, now: datetime | None = None) -> list[str]:
    """Return the secrets that sign now, the newest first. Raises `EncryptionKeyChanged`."""
    moment = now or datetime.now(UTC)
    kept = json.loads(unseal_secrets(webhook))
    return [
        each["secret"]
        for each in kept
        if not each["until"] or datetime.fromisoformat(each["until"]) > moment
    ]
