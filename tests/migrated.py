"""Databases as migrating leaves them: made once by the real commands, kept, and copied.

To migrate takes a server longer than most tests take. That it migrates by itself is tried where a
newcomer starts from nothing: by README's first command, by the wheel, and on PostgreSQL.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.environments import clean_environment

_ROOT = Path(__file__).resolve().parents[1]
_KEPT = _ROOT / ".pytest_cache" / "migrated"


def copy_our_database(to: Path) -> None:
    """Copy our SQLite database, migrated and empty, to this path, for its owner alone."""
    _copy(_migrate_ours, name=f"approvals-{_digest_of_migrations()}", to=to)


def copy_postgresql(to: Path, *, make: Callable[[Path], None]) -> None:
    """Copy the files of a PostgreSQL server that has stopped, which `make` makes."""
    with _kept(f"postgresql-{_digest_of_migrations()}", make) as files:
        subprocess.run(["cp", "--archive", files, to], check=True)


def copy_prefects_database(to: Path, *, migrate: Callable[[Path], None]) -> None:
    """Copy the one of the Prefect server that the lock names, which `migrate` makes."""
    _copy(migrate, name=f"prefect-{_digest_of_lock()}", to=to)


def _copy(make: Callable[[Path], None], *, name: str, to: Path) -> None:
    with _kept(f"{name}.sqlite3", make) as kept:
        to.touch(mode=0o600)
        shutil.copyfile(kept, to)


@contextmanager
def _kept(name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """Yield the file or folder of that name, which `make` makes where it is missing."""
    kept = _KEPT / name
    with _one_at_a_time():
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
                made = Path(folder) / "made"
                make(made)
                made.rename(kept)
    yield kept


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let test processes beside each other make it once."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    with (_KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest_of_lock() -> str:
    return hashlib.sha256((_ROOT / "uv.lock").read_bytes()).hexdigest()[:16]


def _digest_of_migrations() -> str:
    """Return what changes with our migrations, and with those of the packages in the lock."""
    digest = hashlib.sha256(_digest_of_lock().encode())
    for path in sorted(_ROOT.glob("*/migrations/*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def migrate(variables: Mapping[str, str]) -> None:
    """Make the tables in the database that these variables name, by the real command."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=_ROOT,
        env=clean_environment() | dict(variables),
        stdin=subprocess.DEVNULL,
        check=True,
    )


def _migrate_ours(path: Path) -> None:
    with tempfile.TemporaryDirectory() as home:
        migrate({"APPROVALS_HOME": home})
        shutil.move(Path(home) / "approvals.sqlite3", path)
