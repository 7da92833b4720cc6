"""Connectors to a Prefect server that misbehaves, and what they find there."""

from uuid import UUID

from flowruns.connectors.prefect.connector import PrefectConnector
from flowruns.models import RemoteServer
from flowruns.services.servers import Credentials, CredentialsKind, lock_credentials
from tests.fake_prefect import FakePrefect

YES = '{"approve": true}'
OURS, THEIRS = "approvals:a:1:alice", "approvals:b:1:bob"


def connect_to(theirs: FakePrefect, **fields: object) -> PrefectConnector:
    """Return a connector to it, as one who found its version."""
    given = {"name": "theirs", "url": theirs.url, "version": theirs.version} | fields
    return PrefectConnector(RemoteServer(**given))


def pause(theirs: FakePrefect, **fields: object) -> tuple[UUID, UUID]:
    run_id, state_id = theirs.pause(**fields)  # type: ignore[arg-type]
    return UUID(run_id), UUID(state_id)


def lock(kind: CredentialsKind, secret: str) -> str:
    return lock_credentials(Credentials(kind=kind, secret=secret))
