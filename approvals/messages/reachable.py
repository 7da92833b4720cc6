"""Which addresses others may have us post to: public ones, and those that the operator names."""

import ipaddress
import socket

from django.conf import settings

# They lead on to any IPv4 address, private ones among them, and `is_global` is true of the first.
_TUNNELS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressForbidden(OSError):
    """A webhook leads to an address that it may not reach."""


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
