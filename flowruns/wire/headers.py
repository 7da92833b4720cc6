"""What the API says in headers: which state is known, and how long to wait for the next."""

import re
from uuid import UUID

from flowruns.wire import MAX_HOLD_SECONDS

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(?P<seconds>\d{1,6})\"?", re.IGNORECASE)


def read_wait(prefer: str) -> int:
    """Return the seconds that a `Prefer` header asks to wait, at most `MAX_HOLD_SECONDS`."""
    match = _WAIT.search(prefer)
    return min(int(match["seconds"]), MAX_HOLD_SECONDS) if match else 0


def read_etag(tag: str) -> UUID | None:
    """Return the state id of an entity tag, or None where it is no state id."""
    try:
        return UUID(tag.strip().removeprefix("W/").strip('"'))
    except ValueError:
        return None
