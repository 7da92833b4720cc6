"""Whether the other end of a connection belongs to a process of this server's user.

Linux lists the owner of each end of its TCP connections. Elsewhere nobody is known by it.
"""

import sys
from collections.abc import Iterator
from ipaddress import ip_address
from os import getuid
from pathlib import Path

_TABLES = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}

_ESTABLISHED = "01"
_ORPHANED = "0"

type Address = tuple[str, int | None]


def belongs_to_our_user(client: Address | None, server: Address | None) -> bool:
    """Whether `client` is a live end of a connection on this machine that our user has opened.

    Never for root: the table shows its number for connections that nobody holds any more, too.
    """
    if client is None or server is None or not ip_address(client[0]).is_loopback:
        return False
    user = getuid()
    if user == 0:
        return False
    ends = (_spell(client), _spell(server))
    version = ip_address(client[0]).version
    return any(owner == user for *found, owner in _read(version) if tuple(found) == ends)


def _read(version: int) -> Iterator[tuple[str, str, int]]:
    """Yield both ends of each open connection, seen from the one that the user owns."""
    try:
        lines = _TABLES[version].read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        _, own, other, state, _, _, _, owner, _, inode = line.split()[:10]
        if state == _ESTABLISHED and inode != _ORPHANED:
            yield own, other, int(owner)


def _spell(address: Address) -> str:
    """Write an address as the table does: words of four bytes in the machine's order."""
    packed = ip_address(address[0]).packed
    words = (packed[start : start + 4] for start in range(0, len(packed), 4))
    host = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{host}:{address[1] or 0:04X}"
