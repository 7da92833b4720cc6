"""Who did it: every transition and every answer records its actor."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID


class ActorKind(StrEnum):
    REVIEWER = "reviewer"
    API_KEY = "api_key"
    SERVER = "server"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The user who answers for an API key: the row's number, and the name at that time."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A reviewer by user name, an API key, a service of the server or a policy by its name.

    A key has an id, since its name may be given again, and perhaps an owner. `may_resume` says
    whether who acts may answer pauses.
    """

    kind: ActorKind
    name: str
    key_id: UUID | None = None
    owner: Owner | None = None
    may_resume: bool = False

    def __str__(self) -> str:
        """Write the kind beside the name, except for a reviewer whose name says no other kind."""
        is_plain = self.kind is ActorKind.REVIEWER and ":" not in self.name
        return self.name if is_plain else f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote."""
        kind, _, name = text.partition(":")
        if kind in ActorKind and name:
            return cls(ActorKind(kind), name)
        return cls(ActorKind.REVIEWER, text)


def reviewer(username: str) -> Actor:
    return Actor(ActorKind.REVIEWER, username, may_resume=True)


def api_key(
    name: str, *, key_id: UUID | None = None, owner: Owner | None = None, may_resume: bool = False
) -> Actor:
    return Actor(ActorKind.API_KEY, name, key_id=key_id, owner=owner, may_resume=may_resume)


def policy(name: str) -> Actor:
    """Return the actor of what a policy does when nobody has answered."""
    return Actor(ActorKind.POLICY, name, may_resume=True)


def server(service: str) -> Actor:
    return Actor(ActorKind.SERVER, service)
