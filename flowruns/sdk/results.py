"""Results that outlive their process: stored once, found again by what they were made from."""

import hashlib
import inspect
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pydantic

from flowruns.sdk import pickles
from flowruns.sdk.errors import MissingResult, ResultNotPersisted
from flowruns.sdk.storage import DEFAULT_STORAGE, Storage, open_storage

_KEY = re.compile(r"[0-9a-z-]{1,100}")
_TYPE = "flowruns.result"


@dataclass(frozen=True, slots=True)
class Result[R]:
    """What a run returned, and where that is stored, if it is."""

    value: R
    reference: Mapping[str, str] | None = None


@dataclass(slots=True, kw_only=True)
class ResultSettings:
    """What a flow run does with its result, and its tasks with theirs that do not say it."""

    # None is no, unsaid.
    persist: bool | None = None
    storage: str | Path | None = None
    # The outermost run, whose tasks share their results; None is this one.
    outermost_id: UUID | None = None
    # The tasks and subflows whose results a process that begins the run again would not find, and
    # why, if not because nobody asked.
    forgetful: dict[str, str] = field(default_factory=dict)

    def forget(self, name: str, reason: str = "") -> bool:
        """Note that results of `name` are not stored; return whether that is news."""
        is_news = not self.forgetful.get(name)
        self.forgetful[name] = reason or self.forgetful.get(name, "")
        return is_news


_settings: ContextVar[ResultSettings | None] = ContextVar("result_settings", default=None)


def current_storage() -> str | Path | None:
    """Return where the current flow run stores its results, if it says so."""
    settings = _settings.get()
    return settings.storage if settings else None


@contextmanager
def using_results(settings: ResultSettings) -> Iterator[None]:
    """Make `settings` those of the current flow run."""
    token = _settings.set(settings)
    try:
        yield
    finally:
        _settings.reset(token)


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The place of one result; it may hold one or not yet. `owner` is e.g. "task 'charge'"."""

    storage: Storage
    key: str
    owner: str

    @property
    def reference(self) -> dict[str, str]:
        """What the server keeps of it, in the data of the run's state."""
        return {"type": _TYPE, "storage": self.storage.url, "storage_key": self.key}

    def read(self) -> Result[Any] | None:
        """Return the result, or None; raises ResultNotPersisted where it cannot be read."""
        try:
            content = self.storage.read(self.key)
            if content is None:
                return None
            value = pickles.load(content)
        except Exception as error:
            raise ResultNotPersisted(
                f"The result of {self.owner} in {self.storage.url} cannot be read: {error}"
            ) from error
        return Result(value, self.reference)

    def write(self, value: Any) -> Result[Any]:
        """Store `value` whole or not at all; raises ResultNotPersisted."""
        try:
            content = pickles.dump(value)
        except Exception as error:
            raise ResultNotPersisted(
                f"The result of {self.owner} cannot be pickled: {error}"
            ) from error
        try:
            self.storage.write(self.key, content)
        except OSError as error:
            raise ResultNotPersisted(
                f"The result of {self.owner} cannot be written to {self.storage.url}: {error}"
            ) from error
        return Result(value, self.reference)


def place_result(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    flow_run_id: UUID,
    task_name: str,
    storage: Storage,
) -> StoredResult:
    """Find the place for the result of a call by its source, its arguments and its flow run.

    Raises ResultNotPersisted for arguments that cannot be told apart in another process.
    """
    try:
        key = digest_call(function, arguments, str(flow_run_id))
    except Exception as error:
        raise ResultNotPersisted(
            f"The arguments of task {task_name!r} cannot be pickled: {error}"
        ) from error
    return StoredResult(storage, key, f"task {task_name!r}")


def place_flow_result(flow_run_id: UUID, *, flow_name: str, storage: Storage) -> StoredResult:
    """Find the place for the result of a flow run."""
    return StoredResult(storage, f"flow-run-{flow_run_id}", f"flow {flow_name!r}")


def is_reference(data: Any) -> bool:
    """Whether the data of a state says where the result is."""
    return isinstance(data, Mapping) and data.get("type") == _TYPE


def read_reference(data: Mapping[str, Any], *, trusted: str | Path | None) -> Any:
    """Read the result that a state refers to, from `trusted` or the default folder only.

    What is read gets unpickled, so the server does not choose the place. Raises MissingResult
    where it is another one, or empty.
    """
    for place in (trusted, DEFAULT_STORAGE):
        storage = open_storage(place)
        key = str(data.get("storage_key"))
        if storage.url == data.get("storage") and _KEY.fullmatch(key):
            if (found := StoredResult(storage, key, "the flow run").read()) is not None:
                return found.value
            break
    raise MissingResult(
        f"The result is not in {data.get('storage')}, or that is not the result_storage here."
    )


def digest_call(function: Callable[..., Any], arguments: Mapping[str, Any], *more: str) -> str:
    """Name a call alike in every process; raises what pickle does for odd arguments.

    A method's instance counts as one of its arguments.
    """
    owner = [instance] if (instance := getattr(function, "__self__", None)) is not None else []
    return digest(source_of(function), *more, arguments, *owner)


def digest(*parts: Any) -> str:
    """Name values alike in every process; raises what pickle does for odd ones."""
    return hashlib.sha256(repr([_plain(part) for part in parts]).encode()).hexdigest()


def name_values(values: Mapping[str, Any]) -> str:
    """Name values alike in every process; one that cannot be counts as its type."""
    return digest({name: _nameable(value) for name, value in values.items()})[:16]


def _nameable(value: Any) -> Any:
    try:
        return digest(value)
    except Exception:  # noqa: BLE001 -- whatever its __reduce__ raises
        return type(value).__qualname__


def source_of(function: Callable[..., Any]) -> str:
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
