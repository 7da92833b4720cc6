"""HTTP that goes to addresses within reach alone.

A host is resolved once, each address is judged, and the connection goes to the judged one: to
resolve anew when connecting would let a name that changes through.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import httpcore

from approvals.messages.reachable import choose_address

# What goes wrong between here and there.
FAULTS = (
    OSError,
    ValueError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to addresses that webhooks may reach, and to no others."""

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return self._network.connect_tcp(
            choose_address(host, port), port, timeout, local_address, socket_options
        )


def send_post(
    url: str, body: bytes, headers: Mapping[bytes | str, bytes | str], *, seconds: float
) -> tuple[int, str]:
    """Post and return the status and `Retry-After`; no redirect is followed, no body is read.

    Each step may take so many seconds. Raises one of `FAULTS`.
    """
    limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    with (
        httpcore.ConnectionPool(network_backend=GuardedBackend()) as pool,
        pool.stream(
            "POST", url, headers=headers, content=body, extensions={"timeout": limits}
        ) as response,
    ):
        answered = {name.lower(): value for name, value in response.headers}
        return response.status, answered.get(b"retry-after", b"").decode("ascii", "replace")
