"""List the Prefect servers whose runs are answered here, and how they are."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.timezone import localtime

from flowruns.models import RemoteServer
from flowruns.services.servers import list_servers, read_percentile


class Command(BaseCommand):
    help = "List the Prefect servers whose runs are answered here, and how they are."

    def handle(self, **_: Any) -> None:
        servers = list_servers()
        for server in servers:
            self.stdout.write("\n  ".join(_describe(server)))
        if not servers:
            self.stdout.write("There are none. `addserver NAME URL` adds one.")


def _describe(server: RemoteServer) -> Iterator[str]:
    off = "" if server.is_enabled else ", off"
    yield f"{server.name}: {server.url} ({server.version or 'version not known'}{off})"
    yield f"trouble: {server.error}" if server.error else f"reached {_at(server.reached_at)}"
    yield f"stream open since {_at(server.streaming_since)}, last walk {_at(server.walked_at)}"
    half, most = read_percentile(server, percent=50), read_percentile(server, percent=99)
    if half is not None and most is not None:
        yield f"runs arrive within {half:.1f} s (half of them), {most:.1f} s (99 in 100)"
    if server.tags:
        yield f"only runs tagged {' or '.join(server.tags)}"


def _at(moment: datetime | None) -> str:
    return localtime(moment).strftime("%Y-%m-%d %H:%M:%S") if moment else "never"
