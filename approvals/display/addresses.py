"""Addresses as people outside reach them: in messages, which no request of a browser is part of."""

from django.conf import settings
from django.urls import get_script_prefix, reverse


def write_address(view: str, *args: object) -> str:
    """Return the address of a page, below `PUBLIC_URL` with the path that this may have."""
    # Only a thread that answers a request puts that path in front of what it reverses
    page = reverse(view, args=args).removeprefix(get_script_prefix())
    return f"{settings.PUBLIC_URL}/{page}"
