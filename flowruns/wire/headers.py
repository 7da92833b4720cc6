"""What the API says in headers: which state is known, how long to wait for the next, who asks.

`Prefer: wait=15, attend` is asked by the process that runs the flow run. As long as it is, or was
within the last minute, the server knows that somebody is there. `inputs="a b"` asks that the run
comes with those of its inputs, under `inputs`, so that who waits for an answer need not ask again.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from uuid import UUID

from flowruns.wire import MAX_HOLD_SECONDS

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(?P<seconds>\d{1,6})\"?", re.IGNORECASE)

# Names a request that must not count twice, if it is sent again because its answer got lost
IDEMPOTENCY_KEY = "Idempotency-Key"
# What the process that runs a flow run adds to its `Prefer` header
ATTEND = "attend"
_ATTEND = re.compile(r"(?:^|[,;\s])attend(?:$|[,;\s])", re.IGNORECASE)
_INPUTS = re.compile(r"(?:^|[,;\s])inputs\s*=\s*\"(?P<keys>[a-z0-9 -]*)\"", re.IGNORECASE)


def read_wait(prefer: str) -> int:
    """Return the seconds that a `Prefer` header asks to wait, at most `MAX_HOLD_SECONDS`."""
    match = _WAIT.search(prefer)
    return min(int(match["seconds"]), MAX_HOLD_SECONDS) if match else 0


def reads_heartbeat(prefer: str) -> bool:
    """Whether a `Prefer` header says that the process which runs the flow run is asking."""
    return _ATTEND.search(prefer) is not None


def prefer_inputs(keys: Iterable[str]) -> str:
    """Write what of a `Prefer` header asks for inputs of the run, by their keys."""
    return f'inputs="{" ".join(keys)}"'


def read_wanted_inputs(prefer: str) -> list[str] | None:
    """Return the keys of the inputs that a run is to come with; None where it is asked without."""
    match = _INPUTS.search(prefer)
    return match["keys"].split() if match else None


def read_etag(tag: str) -> UUID | None:
    """Return the state id of an entity tag, or None where it is not a state id."""
    try:
        return UUID(tag.strip().removeprefix("W/").strip('"'))
    except ValueError:
        return None


def read_key(authorization: str) -> str:
    """Return the API key of an `Authorization` header, or "" where there is none.

    `Basic` carries it too, as Prefect's client sends its `PREFECT_API_AUTH_STRING`: the key
    alone, or as the password of any user.
    """
    scheme, _, given = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(given, validate=True).decode().rpartition(":")[2]
    except (binascii.Error, ValueError):
        return ""
