"""What the versions of Prefect's server do otherwise."""

import re

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def can_be_answered(version: str) -> bool:
    """Whether the steps of an answer were tried on such a server: from 3.4 up to the next major."""
    return (3, 4, 0) <= _read(version) < (4, 0, 0)


def can_cancel_pauses(version: str) -> bool:
    """Whether the process of a paused run may be told to end: CANCELLING, from 3.8.8 on."""
    return (3, 8, 8) <= _read(version) < (4, 0, 0)


def _read(version: str) -> tuple[int, int, int]:
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)
