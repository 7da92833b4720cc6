"""Posting to addresses that others chose, without being led into our own networks."""

from collections.abc import Mapping

TIMEOUT_SECONDS = 15


class NotPosted(Exception):
    """Nothing was answered; says why."""


def post(url: str, body: bytes, headers: Mapping[bytes | str, bytes | str]) -> tuple[int, str]:
    """Post and return the status and `Retry-After`; no redirect is followed, no body is read.

    Raises `NotPosted`, also where the address is not within reach.
    """
    # The HTTP client is imported by the first post: many servers never post.
    from approvals.messages.guarded_http import FAULTS, send_post

    try:
        return send_post(url, body, headers, seconds=TIMEOUT_SECONDS)
    except FAULTS as error:
        raise NotPosted(str(error) or type(error).__name__) from error


def read_seconds(retry_after: str) -> float:
    """Return how long to wait, 0 where the other side has not said it in seconds."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < 9 else 0.0
