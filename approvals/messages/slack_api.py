"""Calls of Slack's Web API, and what its answers mean for a message.

As Slack has it: `ok: false` comes with HTTP 200, and 429 with `Retry-After`.
"""

import json
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from approvals.messages.verdicts import Dead, Later, SendVerdict

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS = 10
# Slack's own trouble, and what an operator has to put right before anything can be sent.
_PASSING = {"", "fatal_error", "internal_error", "ratelimited", "request_timeout"}
_PASSING |= {"service_unavailable"}
_OPERATORS = {"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"}
_OPERATORS |= {"ekm_access_denied", "missing_scope", "team_access_not_granted"}


class NotTaken(Exception):
    """Slack did not do what it was asked; `code` is its word, "" where it said none."""

    def __init__(self, verdict: SendVerdict, code: str = "") -> None:
        super().__init__(code)
        self.verdict = verdict
        self.code = code


def call_slack(method: str, *, token: str = "", **arguments: Any) -> dict[str, Any]:
    """Return the answer of a method; arguments other than texts are JSON. Raises `NotTaken`."""
    data = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in arguments.items()
    }
    headers = {"authorization": f"Bearer {token or settings.SLACK_BOT_TOKEN}"}
    return _read_answer(_post(f"{settings.SLACK_API_URL}{method}", data=data, headers=headers))


def find_member(address: str) -> str:
    """Return which member of this workspace has an address, "" where none. Raises `NotTaken`."""
    try:
        return str(call_slack("users.lookupByEmail", email=address)["user"]["id"])
    except NotTaken as refused:
        if refused.code == "users_not_found":
            return ""
        raise


def answer_at(url: str, **message: Any) -> bool:
    """Send a message to the address that Slack has named with a press; return whether it is in."""
    try:
        return _post(url, json=message).is_success
    except NotTaken:
        return False


def _post(url: str, **request: Any) -> "httpx.Response":
    import httpx  # by the first call: many servers know no Slack

    try:
        return httpx.post(url, timeout=_TIMEOUT_SECONDS, verify=_load_certificates(), **request)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = str(error) or type(error).__name__
        raise NotTaken(Later(why=why, is_outage=True)) from None


@cache
def _load_certificates() -> ssl.SSLContext:
    """Load them once: for each call again it takes longer than the call."""
    import httpx

    return httpx.create_ssl_context()


def _read_answer(response: "httpx.Response") -> dict[str, Any]:
    if response.status_code != 200:
        seconds = _read_seconds(response.headers.get("retry-after", ""))
        raise NotTaken(Later(why=f"HTTP {response.status_code}", seconds=seconds, is_outage=True))
    try:
        answer = response.json()
    except ValueError:
        raise NotTaken(Later(why="Slack's answer cannot be read.", is_outage=True)) from None
    if not isinstance(answer, dict) or not answer.get("ok"):
        code = str(answer.get("error", "")) if isinstance(answer, dict) else ""
        raise NotTaken(_judge(code), code)
    return answer


def _judge(code: str) -> SendVerdict:
    why = f"Slack says {code or 'nothing'}."
    return Later(why=why, is_outage=True) if code in _PASSING | _OPERATORS else Dead(why)


def _read_seconds(text: str) -> float:
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0
