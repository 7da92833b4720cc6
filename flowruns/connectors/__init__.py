"""Where runs live: the reviewers' side sees flow runs through a connector, wherever they are."""

from flowruns.connectors.local import LocalConnector
from flowruns.connectors.prefect.connector import PrefectConnector
from flowruns.connectors.protocol import (
    ArtifactHead,
    CheckedAnswer,
    Connector,
    HistoryState,
    PauseForm,
    Reply,
    Requester,
    TimelineEntry,
)
from flowruns.domain.errors import ServerNotFound
from flowruns.services.api_keys import list_answering_keys
from flowruns.services.servers import list_servers, read_server

__all__ = [
    "LOCAL",
    "ArtifactHead",
    "CheckedAnswer",
    "Connector",
    "HistoryState",
    "PauseForm",
    "PrefectConnector",
    "Reply",
    "Requester",
    "TimelineEntry",
    "get_connector",
    "get_remote_connector",
    "list_answering_keys",
    "list_remote_connectors",
]

# The connector to the runs of this server.
LOCAL = LocalConnector.name


def get_connector(name: str) -> Connector:
    """Return the connector of that name; raises `LookupError`."""
    return LocalConnector() if name == LOCAL else get_remote_connector(name)


def get_remote_connector(name: str) -> PrefectConnector:
    """Return the connector to the Prefect server of that name; raises `LookupError`."""
    try:
        return PrefectConnector(read_server(name))
    except ServerNotFound:
        raise LookupError(f"No connector is named {name!r}.") from None


def list_remote_connectors() -> list[PrefectConnector]:
    """Return a connector to each server that is enabled, by name."""
    return [PrefectConnector(server) for server in list_servers() if server.is_enabled]
