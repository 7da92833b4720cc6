"""Prefect servers elsewhere: who they are, who looks after them, and what was found there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q

from flowruns.domain.errors import ServerExists, ServerNotFound
from flowruns.encryption import decrypt, encrypt
from flowruns.models import RemoteServer
from flowruns.services.lookups import one

_HEADER_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")

# So many of the latest runs tell how fresh a server's approvals are.
MAX_FRESHNESS = 500


class CredentialsKind(StrEnum):
    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What opens a server: the auth string of a Prefect server, or an API key of Prefect Cloud."""

    kind: CredentialsKind = CredentialsKind.NONE
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How to reach a server, and which runs of it to show."""

    url: str
    kind: str = RemoteServer.Kind.PREFECT
    credentials: Credentials = field(default_factory=Credentials)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    tags: Sequence[str] = ()
    answer_mode: str = RemoteServer.AnswerMode.CLAIM


def draft_server(name: str, settings: ServerSettings) -> RemoteServer:
    """Make a server that is not stored yet.

    Raises `ServerExists`, and Django's `ValidationError` for an odd name.
    """
    server = RemoteServer(
        name=name,
        url=settings.url,
        kind=settings.kind,
        credentials=lock_credentials(settings.credentials),
        headers=lock_headers(settings.headers),
        ca_file=settings.ca_file,
        tags=list(settings.tags),
        answer_mode=settings.answer_mode,
    )
    if name == "local":
        raise ServerExists('"local" is the name of this server itself.')
    server.full_clean(validate_unique=False, validate_constraints=False)
    if RemoteServer.objects.filter(name=name).exists():
        raise ServerExists(f"There is a server named {name!r} already.")
    return server


def add_server(server: RemoteServer) -> None:
    """Store a server; raises `ServerExists`."""
    try:
        with transaction.atomic():
            server.save(force_insert=True)
    except IntegrityError:
        raise ServerExists(f"There is a server named {server.name!r} already.") from None


def list_servers() -> list[RemoteServer]:
    return list(RemoteServer.objects.order_by("name"))


def read_server(name: str) -> RemoteServer:
    """Return the server of that name; raises `ServerNotFound`."""
    return one(RemoteServer.objects.filter(name=name), ServerNotFound)


def remove_server(name: str) -> None:
    """Forget a server; its approvals stay as a record. Raises `ServerNotFound`."""
    deleted, _ = RemoteServer.objects.filter(name=name).delete()
    if not deleted:
        raise ServerNotFound(f"There is no server named {name!r}.")


def parse_headers(lines: Sequence[str]) -> dict[str, str]:
    """Read lines of `NAME: VALUE`; raises Django's `ValidationError` for any other."""
    headers = {}
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValidationError("A header is written NAME: VALUE.")
        headers[name] = value
    return headers


def lock_credentials(credentials: Credentials) -> str:
    """Return the credentials as they are stored: encrypted, "" for none."""
    if credentials.kind is CredentialsKind.NONE:
        return ""
    return encrypt({"kind": credentials.kind, "secret": credentials.secret})


def lock_headers(headers: Mapping[str, str]) -> str:
    """Return headers as they are stored: encrypted, "" for none."""
    return encrypt(dict(headers)) if headers else ""


def read_credentials(server: RemoteServer) -> Credentials:
    """Return the credentials in the clear; raises `EncryptionKeyChanged`."""
    stored = _unlock(server, server.credentials)
    if not stored:
        return Credentials()
    return Credentials(kind=CredentialsKind(stored["kind"]), secret=stored["secret"])


def read_headers(server: RemoteServer) -> dict[str, str]:
    """Return the headers that every request carries; raises `EncryptionKeyChanged`."""
    return _unlock(server, server.headers)


def encrypt_credentials_anew() -> int:
    """Encrypt what opens each server with the first of our keys, and return how many there are.

    Raises `EncryptionKeyChanged`, before it has changed any.
    """
    with transaction.atomic():
        servers = list(RemoteServer.objects.select_for_update())
        for server in servers:
            server.credentials = lock_credentials(read_credentials(server))
            server.headers = lock_headers(read_headers(server))
        RemoteServer.objects.bulk_update(servers, ["credentials", "headers"])
        return len(servers)


def take_lease(server_id: UUID, *, holder: str, until: datetime) -> bool:
    """Take or prolong the right to look after a server, unless somebody else has it."""
    is_free = Q(leased_until=None) | Q(leased_until__lt=datetime.now(UTC)) | Q(lease_holder=holder)
    free = RemoteServer.objects.filter(is_free, pk=server_id, is_enabled=True)
    return bool(free.update(lease_holder=holder, leased_until=until))


def give_lease_back(server_id: UUID, *, holder: str) -> None:
    """Let the next worker have it at once."""
    held = RemoteServer.objects.filter(pk=server_id, lease_holder=holder)
    held.update(lease_holder="", leased_until=None)


def record_probe(server_id: UUID, *, version: str, clock_offset: float) -> None:
    """Keep what a server said of itself, and that it answers."""
    now = datetime.now(UTC)
    _write(
        server_id,
        version=version,
        clock_offset=clock_offset,
        reached_at=now,
        read_at=now,
        error="",
    )


def record_read(server_id: UUID) -> None:
    """Keep that something was read just now, which ends any trouble."""
    _write(server_id, read_at=datetime.now(UTC), error="")


def record_walk(server_id: UUID) -> None:
    """Keep that all waiting runs were read just now."""
    now = datetime.now(UTC)
    _write(server_id, walked_at=now, read_at=now, error="")


def record_trouble(server_id: UUID, *, words: str) -> None:
    """Keep what the trouble is, in words that an operator reads."""
    _write(server_id, error=words)


def record_stream(server_id: UUID, *, since: datetime | None) -> None:
    """Keep since when the stream of events is open, or that it is not."""
    _write(server_id, streaming_since=since)


def record_freshness(server_id: UUID, *, seconds: Sequence[float]) -> None:
    """Keep how long states took until they were here, beside the latest before."""
    with transaction.atomic():
        server = RemoteServer.objects.select_for_update().filter(pk=server_id).first()
        if server is not None:
            latest = [*server.freshness, *(round(each, 3) for each in seconds)][-MAX_FRESHNESS:]
            _write(server_id, freshness=latest)


def read_percentile(server: RemoteServer, *, percent: int) -> float | None:
    """Return the seconds within which so many percent of the latest states were here."""
    ordered = sorted(server.freshness)
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def _write(server_id: UUID, **fields: Any) -> None:
    RemoteServer.objects.filter(pk=server_id).update(**fields)


def _unlock(server: RemoteServer, token: str) -> dict[str, Any]:
    return decrypt(token, of=f"What opens the server {server.name!r}") if token else {}
