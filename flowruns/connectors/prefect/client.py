"""Requests to one Prefect server: bounded in time, and told apart by what may have happened."""

import math
import threading
import time
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from uuid import UUID, uuid4

from flowruns.connectors.prefect.address import Address
from flowruns.connectors.prefect.budget import CLOUD_REQUESTS_A_MINUTE, Budget
from flowruns.connectors.prefect.errors import (
    Busy,
    RemoteFault,
    Unauthorized,
    Unconfirmed,
    Unreachable,
)
from flowruns.connectors.prefect.outcomes import Answer

_BUSY_SECONDS = 0.3
_LIMITED_SECONDS = 5.0
_LONGEST_WAIT = 3600.0
_CSRF_SECONDS = 3000.0


class Client:
    """Asks one server; threads may share it."""

    def __init__(self, address: Address) -> None:
        # It takes 9 MB with what it imports, and many servers mirror no other.
        from flowruns.connectors.prefect.connections import Connections

        self.address = address
        # What was read once and does not change
        self.flow_names: dict[UUID, str] = {}
        self._is_urgent = False
        self._budget = Budget(CLOUD_REQUESTS_A_MINUTE if address.is_cloud else None)
        self._csrf = _CsrfToken()
        self._connections = Connections(address)

    def for_answers(self) -> Self:
        """Return the same client, whose reads may use what is kept of the budget for answers."""
        urgent = copy(self)
        urgent._is_urgent = True  # noqa: SLF001 -- of the same class
        return urgent

    def get(self, path: str, **query: str) -> Answer:
        """Read something; once more where the connection broke. Raises `RemoteTrouble`."""
        try:
            return self._ask("GET", path, query=query)
        except (Unreachable, Unconfirmed) as trouble:
            if trouble.took_too_long:
                raise
            return self._ask("GET", path, query=query)

    def find(self, path: str, body: Any) -> Any:
        """Return what matches the filters of a body; raises `RemoteTrouble`."""
        answer = self._ask("POST", path, body=body)
        if answer.status != 200:
            raise RemoteFault(f"The server answered {answer.status} to {path}.")
        return answer.body

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        """Change something, once, on a connection of its own.

        Raises `Unreachable` only where nothing was sent, and `Unconfirmed` where that is not known.
        """
        return self._ask(method, path, body=body, is_answer=True)

    def probe(self) -> Answer:
        """Ask what only those may know who have the credentials."""
        return self._ask("GET", self.address.health_url)

    def close(self) -> None:
        self._connections.close()

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        is_answer: bool = False,
    ) -> Answer:
        self._budget.spend(on_answer=is_answer or self._is_urgent)
        url = path if path.startswith("http") else f"{self.address.url}{path}"
        exchange = self._connections.write if is_answer else self._connections.read
        content = {} if method == "GET" else {"json": body}
        answer = exchange(method, url, params=query, headers=self._token_for(method), **content)
        if answer.status == 403 and method != "GET" and self._csrf.renew(self._fetch_token):
            answer = exchange(method, url, params=query, headers=self._csrf.headers, **content)
        return self._judge(answer)

    def _judge(self, answer: Answer) -> Answer:
        """Return what the caller is to look at; raises for what means the same everywhere."""
        match answer.status:
            case 401 | 403:
                raise Unauthorized(f"The server does not accept this desk: {answer.status}.")
            case 429 | 503:
                seconds = _read_retry_after(answer)
                if answer.status == 429:
                    self._budget.wait(seconds)
                raise Busy(f"The server is busy: {answer.status}.", retry_after=seconds)
            case status if 300 <= status < 400:
                raise RemoteFault(
                    f"The server answered {status}, which leads elsewhere: check the address, and"
                    " whether a log-in stands before it."
                )
            case status if status >= 500:
                raise RemoteFault(f"The server answered {status}.")
        return answer

    def _token_for(self, method: str) -> dict[str, str]:
        return {} if method == "GET" else self._csrf.headers

    def _fetch_token(self, client_id: str) -> str | None:
        url = f"{self.address.url}/csrf-token"
        answer = self._connections.read("GET", url, params={"client": client_id})
        is_token = answer.status == 200 and isinstance(answer.body, dict)
        return answer.body.get("token") if is_token else None


class _CsrfToken:
    """The token that a server with CSRF protection wants: asked for once it refused to go on."""

    def __init__(self) -> None:
        self._client = str(uuid4())
        self._token: str | None = None
        self._made_at = 0.0
        self._lock = threading.Lock()

    @property
    def headers(self) -> dict[str, str]:
        if self._token is None or time.monotonic() > self._made_at + _CSRF_SECONDS:
            return {}
        return {"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._client}

    def renew(self, fetch: Callable[[str], str | None]) -> bool:
        """Get another token; returns whether the server gives any."""
        with self._lock:
            self._token = fetch(self._client)
            self._made_at = time.monotonic()
            return self._token is not None


_clients: dict[Address, Client] = {}
_opening = threading.Lock()


def open_client(address: Address) -> Client:
    """Return the client of an address, which all threads share."""
    with _opening:
        if address not in _clients:
            _clients[address] = Client(address)
        return _clients[address]


def close_clients() -> None:
    """Close the connections to all servers; who asks again opens others."""
    with _opening:
        for client in _clients.values():
            client.close()
        _clients.clear()


def _read_retry_after(answer: Answer) -> float:
    """Return the seconds to wait: as the server says, in seconds or as a date, or a usual time."""
    usual = _LIMITED_SECONDS if answer.status == 429 else _BUSY_SECONDS
    told = answer.headers.get("Retry-After", "")
    try:
        seconds = float(told)
    except ValueError:
        seconds = _read_seconds_until(told)
    return min(max(seconds, _BUSY_SECONDS), _LONGEST_WAIT) if math.isfinite(seconds) else usual


def _read_seconds_until(date: str) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds()
