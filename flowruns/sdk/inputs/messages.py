"""Messages between flow runs: inputs that are read one after the other, as in Prefect 3.9.

A message is the input `<prefix>-<uuid>` of the run that it is for. Once acknowledged it is deleted.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import pydantic
from pydantic_core import to_json

from flowruns import wire
from flowruns.domain.keysets import is_valid_key, key_from_name
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.asking import WAITING
from flowruns.sdk.context import TakenMessages, current_flow_run, current_logger
from flowruns.sdk.dispatch import dispatch, on_loop, on_thread
from flowruns.sdk.errors import ObjectNotFound, SenderIsNoFlowRun, ServerUnreachable
from flowruns.sdk.steps.steps import Sleep, Steps, read_clock

# Prefect's readers know by it whom to respond to.
SENDER_PREFIX = "prefect.flow-run."
# The last look, at the deadline: within a second of it the wait is over, whatever the server does.
LAST_LOOK_SECONDS = 0.8

_OF_A_LONGER_PREFIX = re.compile(r".+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def prefix_of(class_name: str) -> str:
    """Name the messages of a class, e.g. "approval-auto"."""
    return f"{key_from_name(class_name)}-auto"


def check_prefix(key_prefix: str) -> None:
    """Raise ValueError, before anything is stored, where `key_prefix` can begin no key."""
    if not key_prefix or not is_valid_key(key_prefix):
        raise ValueError(
            f"The key prefix {key_prefix!r} may hold lower-case letters, digits and - only."
        )


def content_of(model: pydantic.BaseModel) -> str:
    """Write a message; its secrets are sent as they are, not as asterisks."""
    fields = model.model_dump(by_alias=True, round_trip=True)
    return to_json(_revealed(fields), inf_nan_mode="constants").decode()


def _revealed(value: Any) -> Any:
    if isinstance(value, pydantic.SecretStr | pydantic.SecretBytes | pydantic.Secret):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_revealed(item) for item in value]
    return value


def send_steps(flow_run_id: UUID, prefix: str, content: str, sender: str | None) -> Steps[None]:
    """Store a message for a flow run, from the current one unless `sender` is given."""
    run = current_flow_run()
    if sender is None and run is not None:
        sender = f"{SENDER_PREFIX}{run.flow_run.id}"
    yield from flow_runs.create_flow_run_input(flow_run_id, f"{prefix}-{uuid4()}", content, sender)


def sending_run(sender: str | None) -> UUID:
    """Return the id of the flow run that `sender` names, or raise SenderIsNoFlowRun."""
    start, _, flow_run_id = (sender or "").rpartition(".")
    try:
        if f"{start}." == SENDER_PREFIX:
            return UUID(flow_run_id)
    except ValueError:
        pass
    raise SenderIsNoFlowRun


@dataclass(slots=True, kw_only=True)
class InputReader[T]:
    """Reads the messages of one kind, oldest first; made by `RunInput.receive`.

    An iterator, sync and async. It ends when no message has come for `timeout` seconds (None:
    never), or raises TimeoutError then if `raise_timeout_error` is true. The server is asked
    every `poll_interval` seconds. A message that `read` refuses is logged and left where it is.

    Asking for a message acknowledges the one before, `acknowledge()` the last one. Acknowledged
    messages are deleted from the server: a reader that starts again gets none of them, but it
    does get the one that it was working on. Readers in one flow run share its messages.
    """

    flow_run_id: UUID
    prefixes: Sequence[str]
    read: Callable[[wire.RunInput], T]
    timeout: float | None
    poll_interval: float
    raise_timeout_error: bool
    exclude_keys: set[str]
    _taken: TakenMessages = field(init=False)
    _unacknowledged: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        run = current_flow_run()
        is_own = run is not None and run.flow_run.id == self.flow_run_id
        self._taken = run.messages if run is not None and is_own else {}

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return on_thread(self._next_steps())
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopIteration from None

    def __aiter__(self) -> "InputReader[T]":
        return self

    async def __anext__(self) -> T:
        try:
            return await on_loop(self._next_steps())
        except TimeoutError:
            if self.raise_timeout_error:
                raise
            raise StopAsyncIteration from None

    def next(self) -> T:
        """Return the next message or raise TimeoutError; awaitable in async code."""
        return cast("T", dispatch(self._next_steps()))

    async def anext(self) -> T:
        """Return the next message or raise TimeoutError."""
        return await on_loop(self._next_steps())

    def acknowledge(self) -> None:
        """Delete the message that was read last from the server; awaitable in async code."""
        return cast("None", dispatch(self._acknowledge_steps()))

    async def aacknowledge(self) -> None:
        """Delete the message that was read last from the server."""
        await on_loop(self._acknowledge_steps())

    def _acknowledge_steps(self) -> Steps[None]:
        if self._unacknowledged is None:
            return
        with suppress(ObjectNotFound):  # somebody else deleted it
            yield from flow_runs.delete_flow_run_input(self.flow_run_id, self._unacknowledged)
        self._taken[self._unacknowledged] = None
        self.exclude_keys.discard(self._unacknowledged)
        self._unacknowledged = None

    def _next_steps(self) -> Steps[T]:
        yield from self._acknowledge_steps()
        now = (yield from read_clock()).seconds
        ends_at = math.inf if self.timeout is None else now + self.timeout
        while True:
            for prefix in self.prefixes:
                for message in (yield from self._read_messages(prefix, ends_at)):
                    return message
            now = (yield from read_clock()).seconds
            if now >= ends_at:
                raise TimeoutError(f"No input came within {self.timeout} second(s).")
            yield Sleep(min(self.poll_interval, ends_at - now))

    def _read_messages(self, prefix: str, ends_at: float) -> Steps[list[T]]:
        """Return the oldest message that can be read, if there is one."""
        while True:
            now = (yield from read_clock()).seconds
            try:
                inputs = yield from flow_runs.filter_flow_run_input(
                    self.flow_run_id,
                    f"{prefix}-",
                    exclude_keys=self.exclude_keys | self._taken_by_others(),
                    ends_at=ends_at,
                    patience=WAITING,
                    timeout=max(0.0, min(30.0, ends_at - now)) + LAST_LOOK_SECONDS,
                )
            except ServerUnreachable:
                # The outage is in the log; how long to wait for a message is up to the reader.
                return []
            if not inputs:
                return []
            if message := self._take_message(inputs[0], prefix):
                return message

    def _taken_by_others(self) -> set[str]:
        return {key for key, reader in self._taken.copy().items() if reader is not None}

    def _take_message(self, found: wire.RunInput, prefix: str) -> list[T]:
        """Read one input; log a word and return nothing where it is not for this reader."""
        self.exclude_keys.add(found.key)
        if _OF_A_LONGER_PREFIX.fullmatch(found.key, len(prefix) + 1):
            return []
        try:
            message = self.read(found)
        except Exception as error:  # noqa: BLE001 -- nothing that is sent may end its reader
            text = "Skipped the input %r from %s, which cannot be read: %s"
            current_logger().warning(text, found.key, found.sender or "nobody", _problems(error))
            return []
        # Readers in other threads may have found it too: the first one gets it.
        if self._taken.setdefault(found.key, self) is not self:
            return []
        self._unacknowledged = found.key
        return [message]


def _problems(error: Exception) -> str:
    """Say what is wrong with a message without repeating it: a log is no place for secrets."""
    if not isinstance(error, pydantic.ValidationError):
        return type(error).__name__
    found = [".".join(map(str, one["loc"])) + f": {one['msg']}" for one in error.errors()]
    return "; ".join(found)
