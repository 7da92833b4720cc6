"""What a use case asks of the outside world, as values.

A use case is a generator of steps: it yields one and is sent what came of it. It neither
sleeps nor sends nor reads a clock, so one text serves sync and async code (`drive.py` has the
two drivers) and a test can play it by hand, hours in a millisecond.
"""

import json
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flowruns.sdk.errors import RequestRefused

if TYPE_CHECKING:
    from flowruns.sdk.steps.limits import TimeLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Ask the server; `path` is below the API's URL, `timeout` is in seconds.

    Answered by a `Reply`, or by ServerUnreachable.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The server's answer; names of headers are in lower case."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            start = self.content[:80].decode(errors="replace")
            raise RequestRefused(
                f"The server answered {self.status} with something other than JSON ({start!r});"
                " does FLOWRUNS_API_URL end in /api?"
            ) from None


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class ReadClock:
    """Answered by a `Moment`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: on the calendar, and in seconds on a clock that nobody sets."""

    utc: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Invoke:
    """Call code of the flow's author, within its limit; an awaitable result is awaited."""

    call: Callable[[], Any]
    limit: "TimeLimit | None" = None


@dataclass(frozen=True, slots=True)
class Block:
    """Make a call that blocks its thread, without blocking an event loop."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until `ticket` is resolved, in whatever thread that happens."""

    ticket: Future[Any]


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand an item to the caller of a function that yields, if it takes them one by one.

    Answered by what the caller sends or throws, or by Left.
    """

    item: Any


class Left(BaseException):
    """The caller takes no more items."""


type Step = Send | Sleep | ReadClock | Invoke | Block | Await | Emit
type Steps[T] = Generator[Step, Any, T]


def send(request: Send) -> Steps[Reply]:
    reply: Reply = yield request
    return reply


def read_clock() -> Steps[Moment]:
    moment: Moment = yield ReadClock()
    return moment
