"""A network between flows and their servers, which can be cut."""

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Network:
    """Carries connections from `port` to the ports of servers, until it is cut.

    Of several servers each gets its turn, and one that is away is passed over.
    """

    def __init__(self, *server_ports: int) -> None:
        self._turns = deque(server_ports)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._carries = asyncio.Event()
        self._refuses = False
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self, *, silently: bool) -> None:
        """Carry nothing any more.

        Silently: connections stay and hang, as behind a pulled plug. Else they break, and no new
        one can be made.
        """
        self._loop.call_soon_threadsafe(self._cut, silently)

    def mend(self) -> None:
        """Carry again, also what was sent meanwhile over connections that stayed."""
        self._loop.call_soon_threadsafe(self._mend)

    def _cut(self, silently: bool) -> None:
        self._carries.clear()
        self._refuses = not silently
        if not silently:
            for writer in self._open:
                writer.transport.abort()

    def _mend(self) -> None:
        self._refuses = False
        self._carries.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            if not self._refuses:
                there = await self._reach()
                ends.append(there[1])
                self._open |= {*ends}
                await asyncio.gather(self._carry(reader, there[1]), self._carry(there[0], writer))
        except ConnectionError:
            pass
        finally:
            for end in ends:
                self._open.discard(end)
                end.transport.abort()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the next server that is there; raise `ConnectionError` where none is."""
        for _ in range(len(self._turns)):
            self._turns.rotate(-1)
            with suppress(ConnectionRefusedError):
                return await asyncio.open_connection("127.0.0.1", self._turns[0])
        raise ConnectionError("none of the servers is there")

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._carries.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _serve(self, is_up: threading.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._carries.set()
        is_up.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            await asyncio.sleep(0)  # who has just been accepted begins, and so closes its end
            connections = asyncio.all_tasks() - {asyncio.current_task()}
            for each in connections:
                each.cancel()
            await asyncio.gather(*connections, return_exceptions=True)
            await asyncio.sleep(0.1)  # in which the transports close


@contextmanager
def network(*server_ports: int) -> Iterator[Network]:
    """Lay a network before the servers on these ports."""
    net, is_up = Network(*server_ports), threading.Event()

    def run() -> None:
        asyncio.set_event_loop(net._loop)
        with suppress(asyncio.CancelledError):
            net._loop.run_until_complete(serving)
        net._loop.close()

    serving = net._loop.create_task(net._serve(is_up))
    thread = threading.Thread(target=run)
    thread.start()
    is_up.wait()
    try:
        yield net
    finally:
        net._loop.call_soon_threadsafe(serving.cancel)
        thread.join()
