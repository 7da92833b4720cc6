"""The HTTP connections to one Prefect server, by httpx: bounded in time and size."""

import time
from json import JSONDecodeError
from typing import Any

import httpx

from flowruns.connectors.prefect.address import Address
from flowruns.connectors.prefect.errors import RemoteFault, Unconfirmed, Unreachable
from flowruns.connectors.prefect.outcomes import Answer

_SECONDS = 5.0
# Prefect's server drops idle connections after five.
_KEEP_SECONDS = 4.0
_MAX_BYTES = 64_000_000

# Nothing left this machine when one of these is raised.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Connections:
    """Those kept open to read, and those made anew for each change; threads may share them."""

    def __init__(self, address: Address) -> None:
        trusted = address.trust() if address.is_encrypted else False
        kept = httpx.Limits(keepalive_expiry=_KEEP_SECONDS)
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._reading, self._writing = (
            httpx.Client(
                headers=address.request_headers, timeout=_SECONDS, limits=limits, verify=trusted
            )
            for limits in (kept, fresh)
        )

    def read(self, method: str, url: str, **request: Any) -> Answer:
        """Ask on a connection that is open already, if there is one.

        Raises `Unreachable` where nothing was sent, `Unconfirmed` where that is not known, and
        `RemoteFault` for an answer that is none.
        """
        return _exchange(self._reading, method, url, **request)

    def write(self, method: str, url: str, **request: Any) -> Answer:
        """Ask on a connection of its own; raises what `read` raises."""
        return _exchange(self._writing, method, url, **request)

    def close(self) -> None:
        self._reading.close()
        self._writing.close()


def _exchange(client: httpx.Client, method: str, url: str, **request: Any) -> Answer:
    try:
        with client.stream(method, url, **request) as response:
            content = _read_bounded(response)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _find_trouble(error) from error
    return Answer(
        status=response.status_code,
        body=_read_json(response.status_code, content),
        headers=response.headers,
    )


def _find_trouble(error: Exception) -> Unreachable | Unconfirmed:
    took_too_long = isinstance(error, httpx.TimeoutException)
    why = str(error).rstrip(".") or type(error).__name__
    if isinstance(error, _NOT_SENT):
        return Unreachable(f"The server cannot be reached: {why}.", took_too_long=took_too_long)
    return Unconfirmed(f"The server did not answer: {why}.", took_too_long=took_too_long)


def _read_bounded(response: httpx.Response) -> bytes:
    """Read an answer within the time that a whole request may take, not only each part of it."""
    deadline, content = time.monotonic() + _SECONDS * 2, bytearray()
    for part in response.iter_bytes():
        content += part
        if len(content) > _MAX_BYTES:
            raise RemoteFault("The server's answer is too large.")
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the answer took too long", request=response.request)
    return bytes(content)


def _read_json(status: int, content: bytes) -> Any:
    """Return the JSON that was answered; an error of a proxy may be anything."""
    if not content:
        return None
    try:
        return httpx.Response(200, content=content).json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError):
        if status < 300:
            raise RemoteFault("What answers there is not a Prefect server.") from None
        return None
