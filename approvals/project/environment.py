"""Reading the settings' environment: each wrong value is answered with a message that names it."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from approvals.private_files import create_private, read_private

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
_ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}


def read_bool(name: str, *, default: bool) -> bool:
    text = os.environ.get(name, str(default)).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be true or false, not {text!r}.")
    return text in _TRUE


def read_int(name: str, *, default: int, minimum: int) -> int:
    text = os.environ.get(name, str(default)).strip()
    if not text.isdecimal() or int(text) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number from {minimum}, not {text!r}.")
    return int(text)


def read_list(name: str, *, default: list[str]) -> list[str]:
    if name not in os.environ:
        return default
    return [item.strip() for item in os.environ[name].split(",") if item.strip()]


def read_url(name: str) -> str:
    """Read an http(s) address without a path, "" where it is not set."""
    text = os.environ.get(name, "").strip().rstrip("/")
    if text and not _is_address(text):
        raise ImproperlyConfigured(
            f"{name} must look like https://approvals.example.com (no path), not {text!r}."
        )
    return text


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_bare = text == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    return parts.scheme in {"http", "https"} and has_host and is_bare


def read_home(name: str = "APPROVALS_HOME") -> Path:
    """Read the folder of everything this server keeps on disk, and make it, for its owner only."""
    home = Path(os.environ.get(name) or "~/.approvals").expanduser()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(name, home, error) from None
    return home


def _unusable(name: str, home: Path, error: OSError) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name}={home} cannot be used as a folder ({error.strerror}). "
        f"Set {name} to a folder this user may write."
    )


def read_secret_key(home: Path) -> str:
    """Return SECRET_KEY, or the key kept in the home folder, made at first use."""
    if "SECRET_KEY" in os.environ:
        key = os.environ["SECRET_KEY"]
        if len(key) < 50:  # Django's own bound in check --deploy
            raise ImproperlyConfigured("SECRET_KEY must have at least 50 characters.")
        return key
    path = home / "secret-key"
    try:
        if not path.exists():
            create_private(path, secrets.token_urlsafe(64))
        return read_private(path)
    except OSError as error:
        raise _unusable("APPROVALS_HOME", home, error) from None


def read_database(home: Path) -> dict[str, Any]:
    """Read DATABASE_URL (SQLite or PostgreSQL); without it, a SQLite file in the home folder."""
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{home / 'approvals.sqlite3'}"
    engine = _ENGINES.get(urlsplit(url).scheme)
    if engine is None:
        raise ImproperlyConfigured(
            "DATABASE_URL must start with sqlite:/// or postgresql://, "
            f"not {urlsplit(url).scheme or url.partition(':')[0]!r}."
        )
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except (ValueError, dj_database_url.ParseError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from None
    config["ENGINE"] = engine
    if not config.get("NAME"):
        raise ImproperlyConfigured("DATABASE_URL names no database after the last slash.")
    if engine.endswith("sqlite3"):
        return _configure_sqlite(config)
    return _configure_postgresql(config)


def _configure_sqlite(config: dict[str, Any]) -> dict[str, Any]:
    name = config["NAME"]
    if name != ":memory:":
        # created here so that it, and the WAL beside it, are readable by their owner only
        try:
            Path(name).touch(mode=0o600)
        except OSError as error:
            raise ImproperlyConfigured(
                f"DATABASE_URL names {name}, which cannot be written ({error.strerror})."
            ) from None
    config["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a writer waits at its start, never halfway
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    return config


def _configure_postgresql(config: dict[str, Any]) -> dict[str, Any]:
    size = read_int("DATABASE_POOL_SIZE", default=20, minimum=2)
    config["OPTIONS"] = {
        **config.get("OPTIONS", {}),
        "pool": {"min_size": 1, "max_size": size, "timeout": 20},
    }
    return config
