"""Reading the tokens of Slack, and where it is."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def read_slack_token(name: str, *, begins: str, needs: Mapping[str, str]) -> str:
    """Read a token, "" where it is not set; `needs` are settings that it is of no use without.

    No message repeats the token.
    """
    token = os.environ.get(name, "").strip()
    if not token:
        return ""
    if not token.startswith(begins) or not token.isascii() or len(token.split()) > 1:
        raise ImproperlyConfigured(f"{name} must begin with {begins}, as Slack shows it.")
    for needed, value in needs.items():
        if not value:
            raise ImproperlyConfigured(f"{name} needs {needed}.")
    return token


def read_slack_address(name: str) -> str:
    """Read what Slack's methods are called under, with a slash at the end."""
    text = os.environ.get(name, "").strip() or "https://slack.com/api/"
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise ImproperlyConfigured(f"{name} must look like https://slack.com/api/, not {text!r}.")
    return f"{text.rstrip('/')}/"
