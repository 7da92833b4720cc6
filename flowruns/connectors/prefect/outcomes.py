"""What a Prefect server tells, and what became of what this desk asked of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from flowruns import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered: JSON, or None where it wrote none; headers in any case."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A server that answers: its version, and how many seconds its clock is ahead of ours."""

    version: str
    clock_offset: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How the waiting runs differ from those that are known.

    New ones wait and are not known; known ones have ended their pause, or are deleted.
    """

    new: Sequence[wire.FlowRun] = ()
    ended: Sequence[wire.FlowRun] = ()
    gone: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run belongs to; its deployment is "" where it has none or where that is deleted."""

    flow_name: str
    deployment_name: str = ""
    is_served: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A run went into another state, as the stream of events tells: a hint, not yet the truth.

    `state_type` is the server's word, which may be none that we know.
    """

    flow_run_id: UUID
    state_id: UUID
    state_type: str
    occurred: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The stored answer to a pause: JSON text, and who stored it where that is said.

    Prefect's own page and SDK say nobody (None); this desk says which attempt it was.
    """

    value: str
    sender: str | None
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The answer is stored under our name, and nobody else can answer until the run moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBy:
    """Somebody else's answer is stored, and the run still waits."""

    value: str
    sender: str | None
    created: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """The run left the pause before: into `state`, with the stored answer, as far as known."""

    state: wire.State | None = None
    response: Response | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued:
    """Our call moved the run out of its pause; the server says into which state."""

    state: wire.State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The deadline of the pause was over: our call made the run fail."""

    state: wire.State | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The server says no and why, and the run still waits."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Our rejection ended the pause. `is_final` is false while the process is told to end.

    In that case `finish_end` is to be called again until it returns an `Ended` that is final.
    """

    state: wire.State | None = None
    is_final: bool = field(default=True)
