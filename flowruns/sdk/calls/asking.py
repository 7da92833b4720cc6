"""Ask the server and put up with its absences."""

import json
import math
import random
from dataclasses import dataclass, field
from typing import Final

from flowruns.sdk.config import load_config
from flowruns.sdk.context import current_logger
from flowruns.sdk.errors import (
    NotAuthorized,
    ObjectAlreadyExists,
    ObjectNotFound,
    RequestRefused,
    ServerError,
    ServerUnreachable,
    StateHasChanged,
)
from flowruns.sdk.steps.steps import Reply, Send, Sleep, Steps, read_clock, send

# How long an absence may last, in seconds: before a flow has begun, while it runs, while it waits.
STARTING: Final = 5.0
WORKING: Final = 600.0
WAITING: Final = math.inf

# A held request may be answered this much after its hold; later counts as no answer.
GRACE_SECONDS = 10.0

FIRST_DELAY_SECONDS = 0.1
# Short enough to notice within seconds that the server is back.
LONGEST_DELAY_SECONDS = 3.0
OVERLOADED = frozenset({408, 425, 429})
# Spreads the flows. Not the shared one, which an author may have seeded for the flow's own draws
_random = random.SystemRandom()


@dataclass(slots=True, kw_only=True)
class Outage:
    """One absence of the server: told once in the log, waited for with growing delays.

    It may last for `patience` seconds, and not beyond `ends_at` on the clock of `Moment.seconds`.
    """

    patience: float
    ends_at: float = math.inf
    _since: float | None = field(default=None, init=False)
    _attempts: int = field(default=0, init=False)

    def endure(self, trouble: ServerUnreachable) -> Steps[None]:
        """Sleep until it is worth asking again; raise `trouble` when patience is at its end."""
        now = (yield from read_clock()).seconds
        if self._since is None:
            self._since = now
        left = min(self.ends_at, self._since + self.patience) - now
        if left <= 0:
            raise trouble
        if self._attempts == 1:
            # The first failure is often a kept connection that the server has closed.
            current_logger().warning("%s. Trying again until it answers.", trouble)
        yield Sleep(min(self._delay(trouble), left))
        self._attempts += 1

    def _delay(self, trouble: ServerUnreachable) -> float:
        if trouble.retry_after is not None:
            return trouble.retry_after
        longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0 ** min(self._attempts, 10))
        return longest * _random.uniform(0.5, 1.0)

    def is_over(self) -> None:
        """Note that the server has answered."""
        if self._attempts > 1:
            current_logger().info("The server answers again.")
        self._since = None
        self._attempts = 0


def ask(request: Send, *, patience: float = WORKING, ends_at: float = math.inf) -> Steps[Reply]:
    """Send `request`, again and again while the server is away, and return a 2xx answer.

    Raises a ServerError that says what to do about it.
    """
    outage = Outage(patience=patience, ends_at=ends_at)
    while True:
        try:
            reply = yield from ask_once(request)
        except ServerUnreachable as trouble:
            yield from outage.endure(trouble)
        except ServerError:
            outage.is_over()  # a refusal is an answer, too
            raise
        else:
            outage.is_over()
            return reply


def ask_once(request: Send) -> Steps[Reply]:
    """Send `request` and return a 2xx or 304 answer; raise a ServerError for any other."""
    reply = yield from send(request)
    if reply.status < 300 or reply.status == 304:
        return reply
    raise _refusal(request, reply)


def _refusal(request: Send, reply: Reply) -> Exception:
    said = f"{request.method} {request.path} was answered {reply.status}: {_detail(reply)}"
    if reply.status >= 500 or reply.status in OVERLOADED:
        return ServerUnreachable(said, retry_after=_retry_after(reply))
    if reply.status in {401, 403}:
        return NotAuthorized(_key_advice(reply))
    if reply.status == 404:
        return _absence(reply, said)
    by_status = {409: ObjectAlreadyExists, 412: StateHasChanged}
    return by_status.get(reply.status, RequestRefused)(said)


def _absence(reply: Reply, said: str) -> Exception:
    if _is_json(reply):
        return ObjectNotFound(said)
    # A proxy whose server is away, or not our server at all.
    return ServerUnreachable(f"{said}; does FLOWRUNS_API_URL end in /api?")


def _key_advice(reply: Reply) -> str:
    config = load_config()
    return (
        f"The server at {config.api_url} refused {config.key_source} ({reply.status}:"
        f" {_detail(reply)}); set FLOWRUNS_API_KEY to a key of that server"
    )


def _is_json(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").partition(";")[0].strip() == "application/json"


def _detail(reply: Reply) -> str:
    """Say in short what the server said; its answer may be a page of HTML."""
    try:
        body = json.loads(reply.content)
    except ValueError:
        return reply.content[:300].decode(errors="replace")
    if isinstance(body, dict):
        body = body.get("detail") or body.get("exception_detail") or body
    return str(body)[:300]


def _retry_after(reply: Reply) -> float | None:
    """Read Retry-After in seconds; a date, which nobody sends, counts as absent."""
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None
