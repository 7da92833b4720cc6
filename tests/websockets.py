"""A websocket to the ASGI application in this process, driven as a web server drives it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from flowruns.pubsub import event_feed, listening
from flowruns.web.sockets import recording, serve_sockets
from flowruns.web.types import Message, Receive, Scope, Send

_SECONDS = 10
AUDIENCES = [event_feed.events.audience, event_feed.logs.audience]


async def _no_http(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("only websockets are tried here")


class FakeSocket:
    """The client's side of one websocket."""

    def __init__(self, path: str, *, subprotocol: str | None = "prefect", **headers: str) -> None:
        self.scope = {
            "type": "websocket",
            "path": path,
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
            "subprotocols": [subprotocol] if subprotocol else [],
            "client": ("192.0.2.1", 5000),
            "server": ("192.0.2.2", 8000),
        }
        self._inbound: asyncio.Queue[Message] = asyncio.Queue()
        self._outbound: asyncio.Queue[Message] = asyncio.Queue()
        self._may_send = asyncio.Event()
        self._may_send.set()
        self._inbound.put_nowait({"type": "websocket.connect"})

    def start(self) -> asyncio.Task[None]:
        app = serve_sockets(_no_http)
        return asyncio.create_task(app(self.scope, self._inbound.get, self._send))  # type: ignore[arg-type]

    async def _send(self, message: Message) -> None:
        await self._may_send.wait()
        self._outbound.put_nowait(message)

    def stop_reading(self) -> None:
        self._may_send.clear()

    def read_again(self) -> None:
        self._may_send.set()

    def say(self, text: str | bytes) -> None:
        kind = "text" if isinstance(text, str) else "bytes"
        self._inbound.put_nowait({"type": "websocket.receive", kind: text})

    def say_object(self, **message: Any) -> None:
        self.say(json.dumps(message))

    def ping(self) -> None:
        self._inbound.put_nowait({"type": "websocket.ping", "bytes": b"ping"})

    @property
    def is_idle(self) -> bool:
        """Whether the server has taken all that was said, and says nothing."""
        return self._inbound.empty() and self._outbound.empty()

    def leave(self) -> None:
        self._inbound.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def hear(self) -> Message:
        async with asyncio.timeout(_SECONDS):
            return await self._outbound.get()

    async def hear_object(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads((await self.hear())["text"])
        return message

    async def hear_the_end(self) -> tuple[int, str]:
        """Return the code and the reason with which the server closes it, whatever comes before."""
        while (message := await self.hear())["type"] != "websocket.close":
            pass
        return message["code"], message.get("reason", "")

    async def enter(self, key: str | None) -> None:
        """Shake hands as Prefect's client does."""
        assert (await self.hear())["type"] == "websocket.accept"
        self.say_object(type="auth", token=key)
        assert await self.hear_object() == {"type": "auth_success"}

    async def listen(self, key: str, **criteria: Any) -> None:
        """Shake hands and ask for events, or log lines."""
        await self.enter(key)
        self.say_object(type="filter", filter=criteria)


@asynccontextmanager
async def running_feeds() -> AsyncIterator[None]:
    """Hear what is committed, and store the events that come in, as the web process does."""
    ready = asyncio.Event()

    async def ring(*_: str) -> None:
        ready.set()

    # The last to be told that listening has begun
    last = listening.Audience(
        channel="tests_listen", hear=ring, catch_up=ring, is_there=lambda: True
    )
    tasks = [
        asyncio.create_task(listening.listen([*AUDIENCES, last])),
        asyncio.create_task(recording.record_events()),
    ]
    try:
        await ready.wait()
        yield
    finally:
        await recording.finish()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def play(scenario: Awaitable[None]) -> None:
    """Run a scenario with the feeds running."""

    async def main() -> None:
        async with asyncio.timeout(30), running_feeds():
            await scenario

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(_SECONDS):
        while not condition():  # noqa: ASYNC110 -- what is waited for knows nothing of events
            await asyncio.sleep(0.005)
