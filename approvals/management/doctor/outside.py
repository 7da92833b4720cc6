"""What is wrong as seen from outside: address, proxy, websockets and clocks, by `PUBLIC_URL`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from django.conf import settings
from django.core.checks import run_checks
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from approvals.management.doctor.findings import Finding, good, odd, wrong

_PATIENCE_SECONDS = 10.0
_CLOSE_SECONDS = 2.0


def check_settings() -> Iterator[Finding]:
    """What Django's checks and ours say of the settings."""
    found = [each for each in run_checks() if not each.is_silenced()]
    for each in found:
        yield odd("settings", " ".join(filter(None, [each.msg, each.hint])))
    if not found:
        yield good("settings", "They can be used together.")


def check_address() -> Iterator[Finding]:
    """Ask the server by the address that people use."""
    url = settings.PUBLIC_URL
    if not url:
        yield odd("address", "PUBLIC_URL is not set: this is a server for this machine alone.")
        return
    try:
        with httpx.Client(base_url=url, timeout=_PATIENCE_SECONDS) as client:
            health = client.get("/api/health")
            answered_at = datetime.now(UTC)  # the first page of a server may take seconds
            login = client.get("/accounts/login/")
    except httpx.HTTPError as error:
        yield wrong("address", f"{url} cannot be reached from here: {error}")
        return
    if health.status_code != 200 or health.text.strip() != "true":
        yield wrong("address", f"{url}/api/health is not ours: {health.status_code}.")
        return
    yield good("address", f"{url} leads to this product.")
    yield from check_proxy(login)
    yield from check_clock(health, answered_at)
    yield from check_websockets(url)


def check_proxy(login: httpx.Response) -> Iterator[Finding]:
    """Whether a page arrives, and for the host and scheme that were asked for."""
    if login.is_redirect and login.headers.get("Location", "") == str(login.url):
        yield wrong(
            "proxy",
            "Pages redirect to themselves: set TRUST_PROXY=true, and let the proxy send"
            " X-Forwarded-Proto.",
        )
    elif login.status_code == 400:
        yield wrong("proxy", "The proxy does not pass on the host: let it send Host as it came.")
    elif login.status_code != 200:
        yield wrong("proxy", f"The log-in page answers {login.status_code}.")
    elif "X-Request-ID" not in login.headers:
        yield odd("proxy", "The proxy removes X-Request-ID, by which the log is searched.")
    else:
        yield good("proxy", "Pages arrive with the right host and scheme.")


def check_clock(response: httpx.Response, answered_at: datetime) -> Iterator[Finding]:
    """Compare the server's clock with this machine's, to the second that HTTP tells."""
    told = response.headers.get("Date")
    if told is None:
        return
    apart = abs((parsedate_to_datetime(told) - answered_at).total_seconds())
    if apart > _CLOSE_SECONDS:
        yield wrong("clock", f"The server's clock and this machine's are {apart:.0f} s apart.")
    else:
        yield good("clock", "The server's clock is this machine's.")


def check_websockets(url: str) -> Iterator[Finding]:
    """Whether a websocket comes through, by which Prefect's clients are told of events."""
    address = f"{url.replace('http', 'ws', 1)}/api/events/out"
    try:
        with connect(
            address,
            subprotocols=[Subprotocol("prefect")],
            open_timeout=_PATIENCE_SECONDS,
        ) as socket:
            socket.send(json.dumps({"type": "auth", "token": ""}))
    except (OSError, WebSocketException) as error:
        yield wrong(
            "websockets",
            f"{address} does not open: {error}. Let the proxy pass on Upgrade and Connection.",
        )
    else:
        yield good("websockets", "They come through.")
