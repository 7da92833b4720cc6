"""Where runs live: the reviewers' side sees flow runs through a connector, wherever they are."""

from flowruns.connectors.local import LocalConnector
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
from flowruns.services.api_keys import list_answering_keys

__all__ = [
    "LOCAL",
    "ArtifactHead",
    "CheckedAnswer",
    "Connector",
    "HistoryState",
    "PauseForm",
    "Reply",
    "Requester",
    "TimelineEntry",
    "get_connector",
    "list_answering_keys",
]

# The connector to the runs of this server.
LOCAL = LocalConnector.name


def get_connector(name: str) -> Connector:
    """Return the connector of that name; raises `LookupError`."""
    if name != LocalConnector.name:
        raise LookupError(f"No connector is named {name!r}.")
    return LocalConnector()
