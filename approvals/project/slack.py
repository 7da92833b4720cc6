"""Reading the tokens of Slack."""

import os
from collections.abc import Mapping

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
