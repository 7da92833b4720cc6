"""Who did it: every transition and every answer records its actor."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    REVIEWER = "reviewer"
    API_KEY = "api_key"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Actor:
    """A reviewer by user name, an API key by its name, or a service of the server by its own."""

    kind: ActorKind
    name: str

    def __str__(self) -> str:
        return self.name if self.kind is ActorKind.REVIEWER else f"{self.kind}:{self.name}"


def reviewer(username: str) -> Actor:
    return Actor(ActorKind.REVIEWER, username)


def api_key(name: str) -> Actor:
    return Actor(ActorKind.API_KEY, name)


def server(service: str) -> Actor:
    return Actor(ActorKind.SERVER, service)
