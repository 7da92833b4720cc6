"""A reverse proxy for one path of a host: `reverse_proxy.py PORT UPSTREAM_PORT ROOT [strip]`.

It sends what begins with the root to the server, as it came or with the root taken off, and
answers 404 for the rest of the host, like a proxy with other products there. It adds the headers
that proxies add, and passes on upgrades.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter

_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NOT_HERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nelsewhere"
_MOST = 1 << 16


def rewrite(head: bytes, root: str, *, strips: bool) -> bytes | None:
    """Return the head of a request as the server gets it, None for one outside of the root."""
    line, *fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, version = line.split(" ")
    path = target.partition("?")[0]
    if path != root and not path.startswith(f"{root}/"):
        return None
    if strips:
        target = target.removeprefix(root) or "/"
    is_upgrade = any(field.lower().startswith("upgrade:") for field in fields)
    dropped = () if is_upgrade else ("connection:",)
    kept = [field for field in fields if not field.lower().startswith(("x-forwarded", *dropped))]
    added = ["X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: http"]
    if not is_upgrade:
        added.append("Connection: close")
    return "\r\n".join([f"{method} {target} {version}", *kept, *added, "", ""]).encode("latin-1")


async def copy(source: StreamReader, target: StreamWriter) -> None:
    try:
        while data := await source.read(_MOST):
            target.write(data)
            await target.drain()
    except ConnectionError:
        pass
    finally:
        target.close()


async def serve(port: int, upstream: int, root: str, *, strips: bool) -> None:
    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            head = rewrite(await reader.readuntil(b"\r\n\r\n"), root, strips=strips)
            if head is None:
                writer.write(_NOT_HERE)
                writer.close()
                return
            server, to_server = await asyncio.open_connection("127.0.0.1", upstream)
        except (asyncio.IncompleteReadError, OSError):
            writer.write(_BAD_GATEWAY)
            writer.close()
            return
        to_server.write(head)
        await asyncio.gather(copy(reader, to_server), copy(server, writer))

    async with await asyncio.start_server(answer, "127.0.0.1", port) as listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(
        serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], strips="strip" in sys.argv[4:])
    )
