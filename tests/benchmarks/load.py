"""Many clients of a server at a time, cheap ones, and what the server spends on them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_AWHILE = 0.5  # seconds
_TICKS = 100  # of a second, as /proc counts


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of asking for some seconds."""

    per_second: float
    cpu: float  # milliseconds of the server's for each
    refused: int

    def __str__(self) -> str:
        refused = f", {self.refused} refused" if self.refused else ""
        return f"{self.per_second:.0f}/s ({self.cpu:.2f} ms{refused})"


class Connection:
    """One kept connection that speaks as little HTTP as it takes."""

    def __init__(self, api_url: str, key: str = "") -> None:
        parts = urlsplit(api_url)
        self._host, self._port, self._base = parts.hostname, parts.port, parts.path
        self._common = f"Host: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        self.close()
        self._ends = await asyncio.open_connection(self._host, self._port)

    async def ask(
        self, method: str, path: str, body: Any = None, more: str = ""
    ) -> tuple[int, Any]:
        """Send a request and return the status and the JSON of its answer."""
        await self.send(method, path, body, more)
        return await self.read()

    async def insist(self, path: str, body: Any) -> Any:
        """Post until a busy server has time, and return the JSON of its answer."""
        while True:
            try:
                status, answer = await self.ask("POST", path, body)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
            else:
                if status < 500:
                    return answer
            await asyncio.sleep(_AWHILE)

    async def send(self, method: str, path: str, body: Any = None, more: str = "") -> None:
        if self._ends is None or self._ends[0].at_eof():  # uvicorn hangs up after 5 s of silence
            await self.open()
        assert self._ends is not None
        content = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        head = f"{method} {self._base}{path} HTTP/1.1\r\n{self._common}{more}{kind}\r\n"
        self._ends[1].write(head.encode() + content)

    async def read(self) -> tuple[int, Any]:
        assert self._ends is not None
        head = (await self._ends[0].readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        _, _, rest = head.partition("content-length:")
        length = int(rest.split("\r\n", 1)[0]) if rest else 0
        content = await self._ends[0].readexactly(length)
        return status, json.loads(content) if content[:1] in {b"{", b"["} else None

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._ends is not None:
            self._ends[1].close()
        self._ends = None


def cpu_seconds(pid: int) -> float:
    """Return the seconds of processors that a process and its children have taken."""
    spent = _read_stat(pid)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return spent + sum(cpu_seconds(int(child)) for child in children)


def _read_stat(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> float:
    """Return the megabytes that a process and its children hold."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own / 1024 + sum(memory(int(child)) for child in children)


async def drive(
    pid: int,
    clients: list[Connection],
    once: Callable[[Connection], Awaitable[int]],
    seconds: float,
) -> Load:
    """Let the clients do it again and again; what fails, or is answered from 400 on, is refused."""
    done = refused = 0
    for client in clients:
        await once(client)
    began, spent = time.monotonic(), cpu_seconds(pid)

    async def repeat(client: Connection) -> None:
        nonlocal done, refused
        while time.monotonic() - began < seconds:
            try:
                is_done = await once(client) < 400
            except (ConnectionError, asyncio.IncompleteReadError):
                client.close()
                is_done = False
            done, refused = done + is_done, refused + (not is_done)

    await asyncio.gather(*map(repeat, clients))
    took, cpu = time.monotonic() - began, cpu_seconds(pid) - spent
    return Load(per_second=done / took, cpu=1000 * cpu / max(done, 1), refused=refused)
