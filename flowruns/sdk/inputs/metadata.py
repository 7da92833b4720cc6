"""Where a run input came from, and whose votes made it."""

from uuid import UUID

import pydantic
from pydantic import ConfigDict


class DecidedBy(pydantic.BaseModel):
    """One who voted: `kind` is "yes", "no" or "override", a decision against the policy."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    name: str
    kind: str
    part: str = ""


class RunInputMetadata(pydantic.BaseModel):
    """Where an input came from; `sender` is unknown for the answer to a pause.

    `decided_by` are those whose votes made the answer, in order, each with the part of the policy
    that they sat in; empty where no policy asked for votes, and on a server of Prefect's.
    """

    model_config = ConfigDict(defer_build=True)

    key: str
    sender: str | None = None
    receiver: UUID
    decided_by: tuple[DecidedBy, ...] = ()
