"""Results that outlive their process: stored once, found again by what they were made from."""

import hashlib
import inspect
import os
import pickle
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydantic

from flowruns.sdk.errors import ResultNotPersisted
from flowruns.sdk.states import Result

if TYPE_CHECKING:
    from uuid import UUID

DEFAULT_STORAGE = "~/.flowruns/results"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The place of one task's result; it may hold one or not yet."""

    path: Path
    task_name: str

    def read(self) -> Result[Any] | None:
        """Return the result, or None; raises ResultNotPersisted where it cannot be read."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return Result(pickle.loads(content))  # noqa: S301 - written by the same user's flow
        except Exception as error:
            raise ResultNotPersisted(
                f"The result of task {self.task_name!r} in {self.path} cannot be read: {error}"
            ) from error

    def write(self, value: Any) -> None:
        """Store `value` whole or not at all; raises ResultNotPersisted."""
        try:
            content = pickle.dumps(value)
        except Exception as error:
            raise ResultNotPersisted(
                f"The result of task {self.task_name!r} cannot be pickled: {error}"
            ) from error
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=self.path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def place_result(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    flow_run_id: "UUID",
    task_name: str,
    storage: str | Path | None,
) -> StoredResult:
    """Find the place for the result of a call by its source, its arguments and its flow run.

    Raises ResultNotPersisted for arguments that cannot be told apart in another process.
    """
    if "://" in str(storage):
        raise ResultNotPersisted(f"{storage} is no folder; results are stored in folders only.")
    try:
        parts = [_source(function), str(flow_run_id), _plain(arguments)]
        key = hashlib.sha256(repr(parts).encode()).hexdigest()
    except Exception as error:
        raise ResultNotPersisted(
            f"The arguments of task {task_name!r} cannot be pickled: {error}"
        ) from error
    return StoredResult(Path(storage or DEFAULT_STORAGE).expanduser() / key, task_name)


def _source(function: Callable[..., Any]) -> str:
    with suppress(OSError, TypeError):
        return inspect.getsource(function)
    return function.__code__.co_code.hex()


def _plain(value: Any) -> Any:
    """Write `value` alike in every process; a set has no order, and pickle keeps what it met."""
    kind = type(value).__qualname__
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return value
        case Mapping():
            return kind, sorted(((_plain(k), _plain(v)) for k, v in value.items()), key=repr)
        case set() | frozenset():
            return kind, sorted((_plain(item) for item in value), key=repr)
        case list() | tuple():
            return kind, [_plain(item) for item in value]
    named = _fields(value)
    return pickle.dumps(value) if named is None else (kind, _plain(named))


def _fields(value: Any) -> dict[str, Any] | None:
    if isinstance(value, pydantic.BaseModel):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return None
