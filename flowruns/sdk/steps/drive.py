"""The two drivers of steps: the only code that sleeps or sends."""

import functools
import inspect
import json
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from flowruns.sdk.config import Config, load_config
from flowruns.sdk.errors import ServerUnreachable
from flowruns.sdk.steps.steps import (
    Block,
    Emit,
    Invoke,
    Moment,
    ReadClock,
    Reply,
    Send,
    Sleep,
    Step,
    Steps,
)

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

type Handing = Callable[[Emit], Awaitable[Any]]

CONNECT_TIMEOUT_SECONDS = 5.0


@functools.cache
def _unused_tls() -> "ssl.SSLContext":
    """Make once what httpx would make for each connection, also where it speaks plain http."""
    import httpx

    return httpx.create_ssl_context(verify=False)


def _client_options(config: Config) -> dict[str, Any]:
    import httpx

    headers = {"Accept": "application/json"}
    if config.api_key:
        headers["Authorization"] = f"Bearer {config.api_key}"
    return {
        "headers": headers,
        "transport": config.transport,
        # A held request keeps its connection, and a flow may hold any number of them.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
        # Reading the certificates takes 50 ms that plain http has no use for.
        "verify": config.api_url.startswith("https:") or _unused_tls(),
        # A proxy in the environment neither reaches this machine nor should see its key.
        "trust_env": not config.is_on_this_machine,
    }


def _request_options(request: Send) -> dict[str, Any]:
    import httpx

    timeout = httpx.Timeout(
        request.timeout, connect=min(request.timeout, CONNECT_TIMEOUT_SECONDS), pool=None
    )
    if request.body is None:
        return {"headers": dict(request.headers), "timeout": timeout}
    content = json.dumps(request.body, allow_nan=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", **request.headers}
    return {"headers": headers, "content": content, "timeout": timeout}


def _reply(response: "httpx.Response") -> Reply:
    # The raw ones: httpx guesses an encoding anew for each that it shows.
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in response.headers.raw
    }
    return Reply(response.status_code, response.content, headers)


def _unreachable(config: Config, error: Exception) -> ServerUnreachable:
    reason = str(error) or type(error).__name__
    return ServerUnreachable(
        f"The server at {config.api_url} cannot be reached ({reason});"
        " start it, or set FLOWRUNS_API_URL to where it is"
    )


class Connection:
    """The way to the server for sync code, usable by several threads; opened by its first use."""

    def __init__(self) -> None:
        self._opened: tuple[Config, httpx.Client] | None = None
        self._opening = threading.Lock()

    def _open(self) -> "tuple[Config, httpx.Client]":
        import httpx

        with self._opening:
            if self._opened is None:
                config = load_config()
                self._opened = config, httpx.Client(**_client_options(config))
            return self._opened

    def follow_settings(self) -> None:
        """Be opened anew by the next use where the settings have changed."""
        if self._opened is not None and self._opened[0] != load_config():
            self.__exit__(None, None, None)

    def send(self, request: Send) -> Reply:
        import httpx

        config, client = self._open()
        try:
            url = config.api_url + request.path
            return _reply(client.request(request.method, url, **_request_options(request)))
        except httpx.TransportError as error:
            raise _unreachable(config, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None


class AsyncConnection:
    """The way to the server for the code of one event loop; opened by its first use."""

    def __init__(self) -> None:
        self._opened: tuple[Config, httpx.AsyncClient] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def is_of_this_loop(self) -> bool:
        import asyncio

        return self._loop is asyncio.get_running_loop()

    def _open(self) -> "tuple[Config, httpx.AsyncClient]":
        import httpx

        if self._opened is None:
            config = load_config()
            self._opened = config, httpx.AsyncClient(**_client_options(config))
        return self._opened

    async def send(self, request: Send) -> Reply:
        import httpx

        config, client = self._open()
        try:
            url = config.api_url + request.path
            return _reply(await client.request(request.method, url, **_request_options(request)))
        except httpx.TransportError as error:
            raise _unreachable(config, error) from None

    async def __aenter__(self) -> Self:
        import asyncio

        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            await self._opened[1].aclose()
            self._opened = None


def _now() -> Moment:
    return Moment(datetime.now(UTC), time.monotonic())


def perform(step: Step, connection: Connection) -> Any:  # noqa: PLR0911 -- a table
    match step:
        case Send():
            return connection.send(step)
        case Sleep(seconds):
            return time.sleep(seconds)
        case ReadClock():
            return _now()
        case Invoke(call, limit):
            return limit.call(call) if limit else call()
        case Block(call):
            return call()
        case Emit():
            return None
        case _:
            return step.ticket.result()


async def _aperform(  # noqa: PLR0911 -- a table
    step: Step, connection: AsyncConnection
) -> Any:
    import asyncio

    match step:
        case Send():
            return await connection.send(step)
        case Sleep(seconds):
            return await asyncio.sleep(seconds)
        case ReadClock():
            return _now()
        case Invoke(call, limit):
            result = call()
            if inspect.isawaitable(result):
                result = await (limit.await_(result) if limit else result)
            return result
        case Block(call):
            return await asyncio.to_thread(call)
        case Emit():
            return None
        case _:
            return await asyncio.wrap_future(step.ticket)


def run[T](steps: Steps[T], connection: Connection) -> T:
    """Play `steps` to their end in this thread and return what they return."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.throw(error) if error else steps.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typed Any by the standard library
        answer = error = None
        try:
            answer = perform(step, connection)
        except BaseException as raised:  # noqa: BLE001 -- the steps decide what it means
            error = raised


async def arun[T](
    steps: Steps[T], connection: AsyncConnection, *, emit: Handing | None = None
) -> T:
    """Play `steps` to their end in the running event loop and return what they return.

    Items go to `emit`, and nowhere without.
    """
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            step = steps.throw(error) if error else steps.send(answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typed Any by the standard library
        answer = error = None
        try:
            if emit is not None and isinstance(step, Emit):
                answer = await emit(step)
            else:
                answer = await _aperform(step, connection)
        except GeneratorExit:
            steps.close()
            raise
        except BaseException as raised:  # noqa: BLE001 -- the steps decide what it means
            error = raised
