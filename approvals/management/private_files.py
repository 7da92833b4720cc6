"""Files that only their owner may read."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    _draft(path, text).replace(path)


def create_private(path: Path, text: str) -> None:
    """Write such a file unless there is one: of two processes at once, the first one's stays."""
    draft = _draft(path, text)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def read_private(path: Path) -> str:
    """Return the text of such a file, "" where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def open_private(path: Path) -> BinaryIO:
    """Open such a file, emptied, to write to it as things happen."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Let processes of one home folder run the block one after the other."""
    descriptor = os.open(home / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return draft
