"""Where the server is and how to prove who asks; read from the environment at each use."""

import ipaddress
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowruns.sdk.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

DEFAULT_API_URL = "http://127.0.0.1:8000/api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`key_source` says in words where the key comes from; `transport` replaces the network."""

    api_url: str
    api_key: str | None = None
    key_source: str = "no API key"
    transport: "httpx.MockTransport | None" = None

    @property
    def is_on_this_machine(self) -> bool:
        return _is_loopback(self.api_url)

    @property
    def ui_url(self) -> str:
        return self.api_url.removesuffix("/api")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingConfig:
    """How long a serving process lets runs finish, and how often it asks for new ones; seconds."""

    grace: float
    poll: float


def load_serving_config() -> ServingConfig:
    """Read the settings of `serve`; raises ConfigurationError, which names the variable."""
    return ServingConfig(
        grace=_read_seconds("FLOWRUNS_SERVE_GRACE_SECONDS", default=30.0),
        poll=_read_seconds("FLOWRUNS_SERVE_POLL_SECONDS", default=10.0),
    )


def _read_seconds(variable: str, *, default: float) -> float:
    value = os.environ.get(variable, "").strip()
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise ConfigurationError(f"{variable} is {value!r}; it must be a number of seconds")
    return seconds


_override: Config | None = None


def override_config(config: Config | None) -> Config | None:
    """Use `config` instead of the environment, or the environment again; return what it was."""
    global _override
    previous, _override = _override, config
    return previous


def load_config() -> Config:
    """Read the settings.

    Raises ConfigurationError, which names the variable whose value cannot be used.
    """
    if _override is not None:
        return _override
    api_url = _read_api_url()
    key, source = _read_api_key(api_url)
    return Config(api_url=api_url, api_key=key, key_source=source)


def _read_api_url() -> str:
    for variable in ("FLOWRUNS_API_URL", "PREFECT_API_URL"):
        if value := os.environ.get(variable, "").strip():
            return _checked_url(variable, value)
    return DEFAULT_API_URL


def _checked_url(variable: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not value.isprintable() or " " in value:
        raise ConfigurationError(
            f"{variable} is {value!r}; it must be the URL of the server's API,"
            f" such as {DEFAULT_API_URL}"
        )
    return value.rstrip("/")


def _read_api_key(api_url: str) -> tuple[str | None, str]:
    for variable in ("FLOWRUNS_API_KEY", "PREFECT_API_KEY"):
        if value := os.environ.get(variable, "").strip():
            return _checked_key(variable, value), f"the API key in {variable}"
    if _is_loopback(api_url):
        return _read_local_key()
    return None, "no API key"


def _checked_key(origin: str, value: str) -> str:
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ConfigurationError(f"{origin} holds characters that no API key has")
    return value


def _is_loopback(api_url: str) -> bool:
    host = urlsplit(api_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_local_key() -> tuple[str | None, str]:
    """Read the key that a server on this machine wrote for its own user."""
    home = os.environ.get("APPROVALS_HOME", "").strip()
    path = (Path(home) if home else Path("~/.approvals")).expanduser() / "api-key"
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None, "no API key"
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The local API key {path} cannot be read ({error});"
            " set FLOWRUNS_API_KEY, or APPROVALS_HOME to the server's folder"
        ) from error
    return _checked_key(str(path), key) if key else None, f"the local API key in {path}"
