"""Posting to addresses that others chose, without being led into our own networks.

A host is resolved once, each address is judged, and the connection goes to the judged one: to
resolve anew when connecting would let a name that changes through.
"""

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore
from django.conf import settings

TIMEOUT_SECONDS = 15
# They lead on to any IPv4 address, private ones among them, and `is_global` is true of the first.
_TUNNELS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))

# What goes wrong between here and there.
FAULTS = (
    OSError,
    ValueError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressForbidden(OSError):
    """A webhook leads to an address that it may not reach."""


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


def post(url: str, body: bytes, headers: Mapping[bytes | str, bytes | str]) -> tuple[int, str]:
    """Post and return the status and `Retry-After`; no redirect is followed, no body is read.

    Raises `AddressForbidden`, and httpcore's errors.
    """
    seconds = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_SECONDS)
    with (
        httpcore.ConnectionPool(network_backend=GuardedBackend()) as pool,
        pool.stream(
            "POST", url, headers=headers, content=body, extensions={"timeout": seconds}
        ) as response,
    ):
        answered = {name.lower(): value for name, value in response.headers}
        return response.status, answered.get(b"retry-after", b"").decode("ascii", "replace")


def read_seconds(retry_after: str) -> float:
    """Return how long to wait, 0 where the other side has not said it in seconds."""
    return float(retry_after) if retry_after.isdecimal() and len(retry_after) < 9 else 0.0


def choose_address(host: str, port: int) -> str:
    """Return an address of a host, all of which must be reachable for webhooks."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    for address in addresses:
        if not may_reach(ipaddress.ip_address(address)):
            raise AddressForbidden(
                f"{host} leads to {address}, which webhooks may not reach (WEBHOOKS_MAY_REACH)."
            )
    return addresses[0]


def may_reach(address: Address) -> bool:
    """Whether an address is public, or in a network that the operator has named."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return may_reach(address.ipv4_mapped)
    named = map(ipaddress.ip_network, settings.WEBHOOKS_MAY_REACH)
    if any(address in network for network in named):
        return True
    tunnels = any(address in network for network in _TUNNELS)
    return address.is_global and not address.is_multicast and not tunnels
