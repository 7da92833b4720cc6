"""Reading the settings' environment: each wrong value is answered with a message that names it."""

import ipaddress
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from approvals.management.private_files import create_private, read_private
from approvals.policies.hours import HoursUnreadable, parse_hours
from flowruns.domain.policies import PolicyUnreadable, parse_policy

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
# Where a server lies on its host; the first names of its own addresses would be ambiguous there
_PATH = re.compile(r"(?!/(api|static|accounts|metrics)(/|$))(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
_SECRET_KEY_FILE = "secret-key"  # noqa: S105 -- its name
_OTHERS = 0o077
_SECRET_KEY_LENGTH = 50  # Django's own bound in check --deploy
_TOKEN_LENGTH = 20
# Whoever needs the database waits so long for it and is told then that it is away.
_PATIENCE_SECONDS = 2
_PREPARED_AFTER = 3
_ENGINES = {
    "sqlite": "flowruns.sqlite3",
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


def read_policy(name: str, *, default: str) -> str:
    """Read who may answer, as one line of text."""
    try:
        return str(parse_policy(os.environ.get(name, "").strip() or default))
    except PolicyUnreadable as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from None


def read_hours(name: str) -> str:
    """Read working hours as one line of text, "" where they are not set."""
    line = os.environ.get(name, "").strip()
    try:
        return line and f"{parse_hours(line).line} {parse_hours(line).zone.key}"
    except HoursUnreadable as error:
        raise ImproperlyConfigured(f"{name} cannot be read: {error}") from None


def read_choice(name: str, *, of: tuple[str, ...], default: str) -> str:
    text = os.environ.get(name, "").strip() or default
    if text not in of:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(of)}, not {text!r}.")
    return text


def read_token(name: str) -> str:
    """Read what a program shows to be let in, "" where it is not set."""
    token = os.environ.get(name, "").strip()
    if token and len(token) < _TOKEN_LENGTH:
        raise ImproperlyConfigured(f"{name} must have at least {_TOKEN_LENGTH} characters.")
    return token


def read_networks(name: str) -> list[str]:
    """Read networks such as 10.0.0.0/8, separated by commas."""
    found = [each.strip() for each in os.environ.get(name, "").split(",") if each.strip()]
    for network in found:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} must be networks such as 10.0.0.0/8: {error}."
            ) from None
    return found


def read_hosts(name: str) -> list[str]:
    """Read host names, separated by commas; ".example.com" stands for all below it, "*" for any."""
    hosts = [host.strip() for host in os.environ.get(name, "").split(",") if host.strip()]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name} must be host names separated by commas, without scheme or port; "
                f"{host!r} is none."
            )
    return hosts


def read_url(name: str) -> str:
    """Read an http(s) address, perhaps with a path, "" where it is not set."""
    text = os.environ.get(name, "").strip().rstrip("/")
    if text and not _is_address(text):
        raise ImproperlyConfigured(
            f"{name} must look like https://approvals.example.com or"
            f" https://example.com/approvals, not {text!r}."
        )
    return text


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_bare = text == f"{parts.scheme}://{parts.netloc}{parts.path}" and "@" not in parts.netloc
    is_path = not parts.path or bool(_PATH.fullmatch(parts.path))
    return parts.scheme in {"http", "https"} and has_host and is_bare and is_path


def read_home(name: str = "APPROVALS_HOME") -> Path:
    """Read the folder of everything this server keeps on disk, and make it, for its owner only."""
    home = Path(os.environ.get(name) or "~/.approvals")
    try:
        home = home.expanduser()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(name, home)
    except (OSError, RuntimeError) as error:  # the latter where "~" stands for nothing
        raise _unusable(name, home, error) from None
    return home.absolute()


def _close_to_others(name: str, home: Path) -> None:
    """Take the folder's modes away from others, if it is ours alone, or refuse the folder."""
    mode = stat.S_IMODE(home.stat().st_mode)
    if not mode & _OTHERS:
        return
    is_ours = (home / _SECRET_KEY_FILE).exists() or not any(home.iterdir())
    if not is_ours:
        raise ImproperlyConfigured(
            f"{name}={home} is open to other users (mode {mode:o}) and holds other things."
            f" Set {name} to a folder of its own, or take its modes away: chmod 700 {home}"
        )
    home.chmod(mode & ~_OTHERS)


def _unusable(name: str, home: Path, error: Exception) -> ImproperlyConfigured:
    reason = getattr(error, "strerror", None) or error
    return ImproperlyConfigured(
        f"{name}={home} cannot be used as a folder ({reason}). "
        f"Set {name} to a folder this user may write."
    )


def read_secret_key(
    home: Path, variable: str = "SECRET_KEY", *, file: str = _SECRET_KEY_FILE
) -> str:
    """Return a key of the environment, or the one kept in the home folder, made at first use."""
    path = home / file
    if variable in os.environ:
        name, key = variable, os.environ[variable].strip()
    else:
        name, key = str(path), _keep_secret_key(path)
    if len(key) < _SECRET_KEY_LENGTH:
        raise ImproperlyConfigured(f"{name} must have at least {_SECRET_KEY_LENGTH} characters.")
    return key


def _keep_secret_key(path: Path) -> str:
    try:
        if not path.exists():
            create_private(path, secrets.token_urlsafe(64))
        return read_private(path)
    except OSError as error:
        raise _unusable("APPROVALS_HOME", path.parent, error) from None


def read_encryption_keys(secret_key: str) -> list[str]:
    """Return the keys of ENCRYPTION_KEY, separated by commas, and behind them the secret key.

    The first one encrypts, and each of them decrypts what it has encrypted.
    """
    texts = os.environ.get("ENCRYPTION_KEY", "").split(",")
    keys = [key.strip() for key in texts if key.strip()]
    if any(len(key) < _SECRET_KEY_LENGTH for key in keys):
        raise ImproperlyConfigured(
            f"ENCRYPTION_KEY must have at least {_SECRET_KEY_LENGTH} characters; of several keys,"
            " separated by commas, each must."
        )
    return [*keys, secret_key]


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
    if name == ":memory:":  # each thread would have a database of its own
        raise ImproperlyConfigured("DATABASE_URL must name a file: sqlite:////path/to/file.")
    try:
        # Created here so that it, and the WAL beside it, are readable by their owner only
        Path(name).touch(mode=0o600)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL names {name}, which cannot be written ({error.strerror})."
        ) from None
    # Threads that stay keep theirs: to open one takes as long as to answer
    config["CONN_MAX_AGE"] = None
    config["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a writer waits at its start, never halfway
        "timeout": _PATIENCE_SECONDS,
        # With FULL a decision that was confirmed outlives a power cut, too
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    return config


def _configure_postgresql(config: dict[str, Any]) -> dict[str, Any]:
    from approvals.project.postgresql import LIVELINESS, check_answers  # needs psycopg

    size = read_int("DATABASE_POOL_SIZE", default=20, minimum=2)
    # A connection that a restart of the database broke is found out before it is used
    config["CONN_HEALTH_CHECKS"] = True
    config["OPTIONS"] = {
        "connect_timeout": _PATIENCE_SECONDS,
        # Each connection has the statements planned that it has sent a few times
        "server_side_binding": True,
        "prepare_threshold": _PREPARED_AFTER,
        **LIVELINESS,
        **config.get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": size,
            "timeout": _PATIENCE_SECONDS,
            "check": check_answers,
            # Then the next request connects at once; the pool itself waits ever longer between two
            # attempts, and meanwhile keeps waiting who comes when the database is back
            "reconnect_timeout": 0.5,
        },
    }
    return config
