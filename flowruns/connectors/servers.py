"""What is known of each server elsewhere, and who looks after it, for the reviewers' side."""

from flowruns.models import RemoteServer
from flowruns.services.servers import (
    give_lease_back,
    list_servers,
    read_percentile,
    read_server,
    record_freshness,
    record_probe,
    record_read,
    record_stream,
    record_trouble,
    record_walk,
    take_lease,
)

__all__ = [
    "RemoteServer",
    "give_lease_back",
    "list_servers",
    "read_percentile",
    "read_server",
    "record_freshness",
    "record_probe",
    "record_read",
    "record_stream",
    "record_trouble",
    "record_walk",
    "take_lease",
]
