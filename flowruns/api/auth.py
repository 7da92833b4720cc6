"""Who may call: bearer keys and their scopes."""

from dataclasses import dataclass

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.security import HttpBearer

from flowruns.domain.actors import Actor
from flowruns.evaluation.processes import evaluate_for
from flowruns.models import ApiKey
from flowruns.services.api_keys import find_api_key
from flowruns.wire.headers import read_key


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a request carries, and what it may do."""

    actor: Actor
    may_read_variables: bool


def admit(key: ApiKey) -> Caller:
    """Return what a valid key stands for, on whose account the request evaluates."""
    evaluate_for(str(key.pk))
    return Caller(key.actor, may_read_variables=key.allows(ApiKey.Scope.FLOWS))


class Scoped(HttpBearer):
    """Lets a valid key in if it has one of the scopes; the actor of the request is that key."""

    def __init__(self, *scopes: ApiKey.Scope) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> Caller | None:
        key = read_key(request.headers.get("Authorization", ""))
        return self.authenticate(request, key) if key else None

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        key = find_api_key(token)
        if key is None:
            return None
        if not any(key.allows(scope) for scope in self.scopes):
            wanted = " or ".join(self.scopes)
            raise HttpError(403, f"The API key {key.name!r} lacks the scope: {wanted}.")
        return admit(key)


flows = Scoped(ApiKey.Scope.FLOWS)
readers = Scoped(ApiKey.Scope.FLOWS, ApiKey.Scope.RESUME)
resumers = Scoped(ApiKey.Scope.RESUME)
desk = Scoped(ApiKey.Scope.DESK)


def actor_of(request: HttpRequest) -> Actor:
    """Return the actor that the request's key stands for."""
    return caller_of(request).actor


def may_read_variables(request: HttpRequest) -> bool:
    """Whether the request's key runs flows: variables may be confidential."""
    return caller_of(request).may_read_variables


def caller_of(request: HttpRequest) -> Caller:
    """Return whose key the request carries."""
    caller = getattr(request, "auth", None)
    assert isinstance(caller, Caller)  # noqa: S101 -- set by Scoped on every operation that calls this
    return caller
