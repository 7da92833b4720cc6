"""What the staff is shown of other servers: reached or not, how fresh, and what the trouble is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from approvals.models import Approval, Vanishing
from approvals.remote.vanishing import read_vanishing
from flowruns.connectors import get_remote_connector
from flowruns.services import servers

# Without a reading for so long a server counts as away
_SILENT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """A server as it was found last; `p50` and `p99` are seconds from a state to its row here."""

    name: str
    url: str
    version: str
    is_enabled: bool
    is_reached: bool
    can_answer: bool
    error: str
    reached_at: datetime | None
    read_at: datetime | None
    walked_at: datetime | None
    streaming_since: datetime | None
    clock_offset: float
    p50: float | None
    p99: float | None
    waiting: int
    vanishing: Vanishing | None


def list_statuses() -> list[ServerStatus]:
    return [_read_status(each) for each in servers.list_servers()]


def _read_status(server: servers.RemoteServer) -> ServerStatus:
    waiting = Approval.objects.filter(connector=server.name, outcome=Approval.Outcome.WAITING)
    is_silent = server.read_at is None or datetime.now(UTC) - server.read_at > _SILENT
    return ServerStatus(
        name=server.name,
        url=server.url,
        version=server.version,
        is_enabled=server.is_enabled,
        is_reached=not (server.error or is_silent),
        can_answer=get_remote_connector(server.name).can_answer,
        error=server.error,
        reached_at=server.reached_at,
        read_at=server.read_at,
        walked_at=server.walked_at,
        streaming_since=server.streaming_since,
        clock_offset=server.clock_offset,
        p50=servers.read_percentile(server, percent=50),
        p99=servers.read_percentile(server, percent=99),
        waiting=waiting.count(),
        vanishing=read_vanishing(server.name),
    )
