"""The code that a message brings, which follows from the message, so that no row holds it."""

import base64
import hashlib
import hmac

from django.conf import settings

from approvals.models import Notification


def write_code(sent: Notification) -> str:
    """Return the code of a message: fifty bits, which nobody guesses within its minutes."""
    text = f"{sent.pk}:{sent.channel_id}:{sent.content['member']}"
    key = f"approvals.slack-code:{settings.SECRET_KEY}"
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode()[:10]
