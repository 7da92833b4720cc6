"""Reading EMAIL_URL and EMAIL_FROM: where mail goes out, and as whose."""

import ipaddress
import os
from email.utils import parseaddr
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

NO_MAIL = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
_TIMEOUT_SECONDS = 10  # for each answer of the server
_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
_SCHEMES = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
_SHAPE = (
    "EMAIL_URL must look like smtp+tls://user:password@mail.example.com:587, or smtps:// for TLS"
    " from the first byte, or smtp:// for none"
)


def read_mailers(public_url: str) -> dict[str, Any]:
    """Read EMAIL_URL as Django's MAILERS; empty where it is not set, and no mail is sent.

    No message repeats the value, which holds a password.
    """
    text = os.environ.get("EMAIL_URL", "").strip()
    if not text:
        return {}
    if not public_url:
        raise ImproperlyConfigured(
            "EMAIL_URL needs PUBLIC_URL, which the links in mails begin with."
        )
    server = _split(text)
    options = {
        "host": server.hostname,
        "port": server.port or _SCHEMES[server.scheme],
        "username": unquote(server.username or ""),
        "password": unquote(server.password or ""),
        "use_tls": server.scheme == "smtp+tls",
        "use_ssl": server.scheme == "smtps",
        "timeout": _TIMEOUT_SECONDS,
    }
    return {"default": {"BACKEND": _BACKEND, "OPTIONS": options}}


def read_sender(*, sends: bool) -> str:
    """Read EMAIL_FROM, which has to be set where mail is sent."""
    text = os.environ.get("EMAIL_FROM", "").strip()
    if not text and not sends:
        return ""
    try:
        validate_email(parseaddr(text)[1])
    except ValidationError:
        raise ImproperlyConfigured(
            "EMAIL_FROM must be an address, such as approvals@example.com or"
            f" Approvals <approvals@example.com>, not {text!r}."
        ) from None
    return text


def _split(text: str) -> SplitResult:
    try:
        server = urlsplit(text)
        is_whole = bool(server.hostname) and server.port != 0
    except ValueError:  # a port that is not a number
        raise ImproperlyConfigured(f"{_SHAPE}; its port cannot be read.") from None
    if server.scheme not in _SCHEMES:
        raise ImproperlyConfigured(f"{_SHAPE}; its scheme is none of these.")
    if not is_whole or server.path.strip("/") or server.query or server.fragment:
        raise ImproperlyConfigured(
            f"{_SHAPE}; write what else than letters and digits is in the password as %XX."
        )
    if bool(server.username) != bool(server.password):
        raise ImproperlyConfigured(f"{_SHAPE}; it has a user name or a password, not both.")
    if server.password and server.scheme == "smtp" and not _is_local(server.hostname or ""):
        raise ImproperlyConfigured(
            "EMAIL_URL would send its password in clear: use smtp+tls:// or smtps://."
        )
    return server


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
