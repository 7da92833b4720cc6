"""What a use case asks of the outside world, as values.

A use case is a generator of steps: it yields one and is sent what came of it. It neither
sleeps nor sends nor reads a clock, so one text serves sync and async code (`drive.py` has the
two drivers) and a test can play it by hand, hours in a millisecond.
"""

import json
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flowruns.sdk.errors import RequestRefused

if TYPE_CHECKING:
    from flowruns.sdk.steps.limits import TimeLimit

# Steps are named tuples: to make a dataclass takes a process, as it starts, five times as long.
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Send(NamedTuple):
    """Ask the server; `path` is below the API's URL, `timeout` is in seconds.

    Answered by a `Reply`, or by ServerUnreachable.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = _NO_HEADERS
    timeout: float = 30.0


class Reply(NamedTuple):
    """The server's answer; names of headers are in lower case."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = _NO_HEADERS

    def json(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            start = self.content[:80].decode(errors="replace")
            raise RequestRefused(
                f"The server answered {self.status} with something other than JSON ({start!r});"
                " does FLOWRUNS_API_URL end in /api?"
            ) from None


class Sleep(NamedTuple):
    seconds: float


class ReadClock(NamedTuple):
    """Answered by a `Moment`."""


class Moment(NamedTuple):
    """Now: on the calendar, and in seconds on a clock that nobody sets."""

    utc: datetime
    seconds: float


class Invoke(NamedTuple):
    """Call code of the flow's author, within its limit; an awaitable result is awaited."""

    call: Callable[[], Any]
    limit: "TimeLimit | None" = None


class Block(NamedTuple):
    """Make a call that blocks its thread, without blocking an event loop."""

    call: Callable[[], Any]


class Await(NamedTuple):
    """Wait until `ticket` is resolved, in whatever thread that happens."""

    ticket: Future[Any]


class Emit(NamedTuple):
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
