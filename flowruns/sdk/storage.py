"""Where results are kept: in a folder, or wherever fsspec can write by a URL."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from flowruns.sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

DEFAULT_STORAGE = "~/.flowruns/results"
_WAY_OUT = (
    "give a folder, or a URL such as s3://bucket/results with pip install 'approvals[s3]'"
    " (other URLs: 'approvals[storage]' and the package that fsspec has for them)"
)
# Written once by each process, so that a place that refuses is known before work is done for it.
_PROBE = ".writable"


class Storage(Protocol):
    """Keeps the content of results under their keys; raises OSError."""

    @property
    def url(self) -> str:
        """How another process names the place."""

    @property
    def ends_with_process(self) -> bool:
        """Whether no other process finds what is kept here."""

    def read(self, key: str) -> bytes | None: ...
    def write(self, key: str, content: bytes) -> None:
        """Keep `content` whole or not at all."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that only its owner may read."""

    path: Path

    @property
    def url(self) -> str:
        return str(self.path)

    @property
    def ends_with_process(self) -> bool:
        return False

    def prepare(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError(f"{self.path} may not be written to")

    def read(self, key: str) -> bytes | None:
        try:
            return (self.path / key).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, key: str, content: bytes) -> None:
        import tempfile

        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=self.path)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path / key)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that fsspec reaches; what it raises comes as OSError."""

    url: str
    filesystem: "AbstractFileSystem"
    root: str

    @property
    def ends_with_process(self) -> bool:
        return urlsplit(self.url).scheme == "memory"

    def prepare(self) -> None:
        self.write(_PROBE, b"")

    def read(self, key: str) -> bytes | None:
        try:
            content: bytes = self._do("cat_file", key)
        except FileNotFoundError:
            return None
        return content

    def write(self, key: str, content: bytes) -> None:
        """Put `content` at once: an object store shows all of it or none."""
        self._do("pipe_file", key, content)

    def _do(self, what: str, key: str, *arguments: Any) -> Any:
        try:
            return getattr(self.filesystem, what)(f"{self.root.rstrip('/')}/{key}", *arguments)
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error


def open_storage(result_storage: str | Path | None) -> Storage:
    """Open the place that `result_storage` names, or ~/.flowruns/results, and see that it works.

    Raises ConfigurationError, in one sentence, where it cannot be written to.
    """
    place = str(result_storage or DEFAULT_STORAGE)
    return _open(place if "://" in place else str(Path(place).expanduser().absolute()))


@functools.lru_cache(maxsize=64)
def _open(place: str) -> Storage:
    try:
        storage = _find(place)
        storage.prepare()
    except Exception as error:
        raise ConfigurationError(
            f"result_storage is {place!r}, which cannot be used ({error}); {_WAY_OUT}"
        ) from error
    return storage


def _find(place: str) -> Folder | Remote:
    if "://" not in place:
        return Folder(Path(place))
    parts = urlsplit(place)
    if parts.scheme == "file":
        from urllib.request import url2pathname  # with all of HTTP, which other places do not need

        return Folder(Path(url2pathname(parts.path)).absolute())
    from fsspec.core import url_to_fs

    filesystem, root = url_to_fs(place)
    return Remote(place, filesystem, root)
