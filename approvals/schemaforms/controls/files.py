"""Bytes: chosen as a file or pasted. A chosen file is kept elsewhere; the form names it."""

from collections.abc import Iterator

from approvals.schemaforms import formats
from approvals.schemaforms.controls.base import Answer, TextControl
from approvals.schemaforms.limits import MAX_FILE_BYTES, MAX_FILE_NAME
from approvals.schemaforms.posted import FileNotStored, FileStore, KeptFile, Posted
from approvals.schemaforms.values import MISSING, JSONValue, MaybeJSON, clip

# Stands in the place of a kept file's token where only its name is known.
_NOT_KEPT = "-"


def name_kept(name: str, file_name: str) -> tuple[str, str]:
    """Return the field that tells the control `name` of a file that was chosen and is not kept."""
    return f"{name}.kept", f"{_NOT_KEPT} {file_name}"


class File(TextControl):
    """Bytes: chosen as a file or pasted, and sent as the text that JSON carries."""

    template = "file"
    demand = "Choose a file or paste its content."

    def open(self) -> None:
        self.refusal = ""
        self.kept: KeptFile | None = None
        self.token = ""
        self.file_name = ""
        self._store: FileStore | None = None
        super().open()

    def read(self, posted: Posted) -> None:
        super().read(posted)
        self._store = posted.store
        self.token, _, name = posted.text(f"{self.name}.kept").partition(" ")
        self.file_name = clip(name, MAX_FILE_NAME)
        if self._store and self.token:
            self.kept = self._store.find(self.token)
        upload = posted.file(f"{self.name}.file")
        if upload is not None:
            self._take_file(*upload)

    def _take_file(self, name: str, content: bytes) -> None:
        if len(content) > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1_000_000
            self._refuse(f"This file is larger than {limit} MB; choose another.")
        elif not self.is_base64 and not _is_text(content):
            self._refuse("This file is not text in UTF-8; choose another.")
        elif self._store is None:
            self.raw = self._encode(content)
        else:
            self._keep(self._store, clip(name, MAX_FILE_NAME), content)

    def _keep(self, store: FileStore, name: str, content: bytes) -> None:
        try:
            kept = store.keep(name, content)
        except FileNotStored as reason:
            self._refuse(str(reason))
            return
        if self.kept:
            store.drop(self.token)
        self.kept, self.token, self.file_name, self.raw = kept, kept.token, kept.name, ""

    def _refuse(self, reason: str) -> None:
        self.refusal = reason
        self.note_problem(reason)

    def drop(self) -> None:
        """Forget the chosen file."""
        if self._store and self.kept:
            self._store.drop(self.token)
        self.kept, self.token, self.file_name = None, "", ""

    @property
    def is_gone(self) -> bool:
        """Whether a file was chosen whose content is not there any more."""
        return bool(self.token) and self.kept is None

    @property
    def is_base64(self) -> bool:
        return self.node.format != "binary"

    @property
    def is_url_safe(self) -> bool:
        return self.node.format == "base64url"

    def _encode(self, content: bytes) -> str:
        if not self.is_base64:
            return content.decode()
        return formats.write_base64(content, url_safe=self.is_url_safe)

    def state(self) -> tuple[object, ...]:
        return (*super().state(), self.token)

    def is_blank(self) -> bool:
        return self.raw == "" and not self.token

    def decode(self) -> MaybeJSON:
        lost = f"“{self.file_name}” has to be chosen again, or removed."
        if problem := self.refusal or (lost if self.is_gone and not self.raw else ""):
            self.problems = [problem]
            return MISSING
        return super().decode()

    def parse(self, text: str) -> JSONValue:
        if self.kept:
            return self._encode(self.kept.read())
        return formats.read_base64(text, url_safe=self.is_url_safe) if self.is_base64 else text

    @property
    def hints(self) -> list[str]:
        lost = [f"The file “{self.file_name}” could not be kept: choose it again."]
        return super().hints + lost * self.is_gone

    @property
    def size(self) -> int:
        return self.kept.size if self.kept else 0

    def inputs(self) -> Iterator[tuple[str, str]]:
        yield from super().inputs()
        if self.token:
            yield f"{self.name}.kept", f"{self.token} {self.file_name}"

    def answers(self) -> Iterator[Answer]:
        if self.raw:
            yield (self.label,), self.raw
        elif self.token:
            yield (self.label,), f"the file “{self.file_name}”"


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
