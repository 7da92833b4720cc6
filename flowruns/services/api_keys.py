"""API keys of flows and scripts: shown once, stored as a hash."""

import hashlib
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save

from flowruns.domain.actors import Actor, server
from flowruns.domain.errors import ApiKeyExists
from flowruns.models import ApiKey
from flowruns.models.prepared import PreparedQuery
from flowruns.signals import Act, acted

# A key has 256 random bits, so a fast hash is enough: there is nothing to guess.
_BYTES = 32
_PREFIX = "fr_"
# How long another process may take a key for valid that was revoked.
REMEMBERED_SECONDS = 2.0
_remembered: dict[str, tuple[ApiKey, float]] = {}
# Who makes and revokes keys on the machine of the server
_COMMAND = server("command")
_NOTHING: Mapping[str, str] = {}
_valid_keys = PreparedQuery(
    ApiKey.objects.select_related("owner").filter(revoked_at=None), by="digest"
)


def create_api_key(
    name: str, *, scopes: Sequence[str], owner: User | None = None, actor: Actor = _COMMAND
) -> str:
    """Make a key and return it; this is the only time that it is known.

    Raises `ApiKeyExists` for a name that is taken.
    """
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    try:
        with transaction.atomic():
            ApiKey.objects.create(
                name=name, digest=_digest(key), scopes=sorted(set(scopes)), owner=owner
            )
            details = {"scopes": " ".join(sorted(set(scopes)))}
            if owner is not None:
                details["owner"] = owner.get_username()
            _tell("key_created", name, actor, details)
    except IntegrityError:
        raise ApiKeyExists(f"There is an API key named {name!r} already.") from None
    return key


def find_api_key(key: str) -> ApiKey | None:
    """Return the valid key that hashes to the same, or None.

    It is looked up every few seconds: other processes hear so late that it was revoked.
    """
    if known := recall_api_key(key):
        return known
    digest, now = _digest(key), time.monotonic()
    found = _valid_keys.find(digest)
    if found is None:
        _remembered.pop(digest, None)
    else:
        _remembered[digest] = (found, now + REMEMBERED_SECONDS)
    return found


def recall_api_key(key: str) -> ApiKey | None:
    """Return a key that was looked up just now, without the database."""
    found, until = _remembered.get(_digest(key), (None, 0.0))
    return found if time.monotonic() < until else None


def forget_api_keys(**_: Any) -> None:
    """Look up every key anew: one has changed in this process."""
    _remembered.clear()


def connect() -> None:
    for signal in (post_save, post_delete):
        signal.connect(forget_api_keys, sender=ApiKey, dispatch_uid="flowruns.forget_api_keys")


def find_any_api_key(key: str) -> ApiKey | None:
    """Return the key that hashes to the same, also one that was revoked, or None."""
    return ApiKey.objects.filter(digest=_digest(key)).first()


def replace_api_key(name: str, *, scopes: Sequence[str]) -> str:
    """Make a key in place of the one of that name, if any."""
    with transaction.atomic():
        ApiKey.objects.filter(name=name).delete()
        return create_api_key(name, scopes=scopes)


def list_answering_keys() -> set[str]:
    """Return the names of the valid keys that may answer."""
    valid = ApiKey.objects.filter(revoked_at=None)
    return {key.name for key in valid if key.allows(ApiKey.Scope.RESUME)}


def revoke_api_keys(keys: QuerySet[ApiKey], *, actor: Actor = _COMMAND) -> int:
    """Make keys invalid from now on, and return how many were valid until then."""
    revoked = 0
    for key_id, name in list(keys.filter(revoked_at=None).values_list("pk", "name")):
        with transaction.atomic():
            still = ApiKey.objects.filter(pk=key_id, revoked_at=None)
            if still.update(revoked_at=datetime.now(UTC)):
                _tell("key_revoked", name, actor)
                revoked += 1
    forget_api_keys()
    return revoked


def find_revoked_keys(key_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the keys that are valid no longer, or are gone."""
    valid = ApiKey.objects.filter(pk__in=key_ids, revoked_at=None)
    return set(key_ids) - set(valid.values_list("pk", flat=True))


def _tell(action: str, name: str, actor: Actor, details: Mapping[str, str] = _NOTHING) -> None:
    act = Act(action=action, actor=str(actor), subject=f"API key: {name}", details=details)
    acted.send(sender=ApiKey, act=act)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
