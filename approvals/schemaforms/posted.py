"""What a browser posted, looked up by name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, runtime_checkable

from approvals.schemaforms.limits import MAX_FILE_BYTES

ROOT = "f"
# How names end that carry structure: whether there is a value, its rows, its branch.
STRUCTURE_MARKS = "!#?"

MAX_NAME_LENGTH = 300
OPERATION = f"{ROOT}.op"
JUDGED = f"{ROOT}.judged"
# Names the warnings about answers that the person was told.
SEEN = f"{ROOT}.seen"
# The parameter that names the search field whose options are asked for.
SEARCHED = "field"


class PostedData(Protocol):
    """Posted names and texts, such as Django's QueryDict."""

    def getlist(self, key: str, /) -> list[str]: ...
    def __iter__(self) -> Iterator[str]: ...


class FieldList:
    """Names and texts as they would be posted."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._texts: dict[str, list[str]] = {}
        for name, text in fields:
            self._texts.setdefault(name, []).append(text)

    def getlist(self, key: str, /) -> list[str]:
        return self._texts.get(key, [])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


@runtime_checkable
class UploadedFile(Protocol):
    name: str | None
    size: int | None

    def read(self, num_bytes: int, /) -> bytes: ...


class FileNotStored(Exception):
    """A file cannot be kept; the message tells the person why."""


class KeptFile(Protocol):
    """A file whose content is kept; `token` finds it again."""

    @property
    def token(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def read(self) -> bytes: ...


class FileStore(Protocol):
    """Keeps the files of one form between its POSTs."""

    def keep(self, name: str, content: bytes) -> KeptFile:
        """Keep a file; raises `FileNotStored`."""

    def find(self, token: str) -> KeptFile | None:
        """Return the file of that token, which may come from anybody's form."""

    def drop(self, token: str) -> None:
        """Forget a file."""


class Posted:
    """One POST of a form. A name that was not posted reads as empty text."""

    def __init__(
        self,
        data: PostedData,
        files: Mapping[str, object] | None = None,
        store: FileStore | None = None,
    ) -> None:
        self._data = data
        self._files = files or {}
        self.store = store
        self._names = {
            name for name in data if name.startswith(ROOT) and len(name) < MAX_NAME_LENGTH
        }
        self._parents = {
            name[:end] for name in self._names for end, mark in enumerate(name) if mark == "."
        }
        self._typed_parents = {
            name[:end]
            for name in self._names
            if name[-1] not in STRUCTURE_MARKS
            for end, mark in enumerate(name)
            if mark == "."
        }

    def text(self, name: str) -> str:
        texts = self.texts(name)
        return texts[-1].replace("\r\n", "\n").replace("\r", "\n") if texts else ""

    def texts(self, name: str) -> list[str]:
        if name not in self._names:
            return []
        return [text for text in self._data.getlist(name) if isinstance(text, str)]

    def holds(self, name: str) -> bool:
        """Whether anything was posted for the control `name` or inside it."""
        return name in self._names or name in self._parents

    def holds_inside(self, name: str) -> bool:
        """Whether a person's own input was posted inside the control `name`."""
        return name in self._typed_parents

    def steps_inside(self, name: str) -> list[str]:
        """Return how the names that were posted go on after the control `name`, in their order."""
        inside = (other for other in self._names if other.startswith(f"{name}."))
        return sorted({other[len(name) + 1 :].partition(".")[0] for other in inside})

    def file(self, name: str) -> tuple[str, bytes] | None:
        """Return the name and content of a chosen file, cut just above what may be taken."""
        upload = self._files.get(name)
        if not isinstance(upload, UploadedFile) or not upload.size:
            return None
        return upload.name or "file", upload.read(MAX_FILE_BYTES + 1)
