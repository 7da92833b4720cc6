"""States and flow runs as flows see them: those of the wire, with results and questions."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

from pydantic import Field, PrivateAttr, model_validator

from flowruns import wire
from flowruns.domain.states import TERMINAL_STATES, StateType
from flowruns.sdk.errors import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    ResultNotPersisted,
    TerminationSignal,
    UnfinishedRun,
)
from flowruns.sdk.results import Result, current_storage, is_reference, read_reference
from flowruns.sdk.steps.limits import TimeLimit

LONGEST_MESSAGE = 50_000


class State[R](wire.State):
    """The state of a flow or task run; semantics of Prefect 3.9.

    `data` holds the outcome in the process that ran it: a Result or an exception.

    Example: `if state.is_completed(): print(state.result())`
    """

    id: UUID = Field(default_factory=uuid4)
    timestamp: wire.DateTime = Field(default_factory=lambda: datetime.now(UTC))
    data: Any = None

    def __class_getitem__(cls, _: Any) -> Any:
        """Be one class, whatever a run returns: pydantic would make and build another for each."""
        return cls

    @model_validator(mode="after")
    def _name_after_type(self) -> Self:
        if not self.name:
            self.name = self.type.value.capitalize()
        return self

    def is_scheduled(self) -> bool:
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        return self.type is StateType.RUNNING

    def is_paused(self) -> bool:
        return self.type is StateType.PAUSED

    def is_left_for_another_process(self) -> bool:
        """Whether the process that ran it should leave the run: it is suspended, or was."""
        return (self.is_paused() and self.state_details.pause_reschedule) or self.name == "Resuming"

    def is_completed(self) -> bool:
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        return self.type is StateType.CRASHED

    def is_cancelled(self) -> bool:
        return self.type is StateType.CANCELLED

    def is_cancelling(self) -> bool:
        return self.type is StateType.CANCELLING

    def is_final(self) -> bool:
        return self.type in TERMINAL_STATES

    def result(self, *, raise_on_failure: bool = True) -> R:
        """Return what the run returned.

        Raises the run's own exception, or FailedRun, CrashedRun or CancelledRun where only the
        server knows it (with `raise_on_failure=False` it is returned instead); PausedRun and
        UnfinishedRun before the end; MissingResult in another process than the run's, unless the
        result is stored where this process stores its own.
        """
        if self.is_paused():
            raise PausedRun
        if not self.is_final():
            raise UnfinishedRun(f"Run is in {self.type} state, its result is not available.")
        if not self.is_completed() and raise_on_failure:
            raise self.exception()
        if isinstance(self.data, Result):
            return self.data.value  # type: ignore[no-any-return] # R, by whoever made the state
        if self.is_completed():
            return self._stored_result()  # type: ignore[no-any-return] # R, too
        return self.exception()  # type: ignore[return-value] # as in Prefect

    def _stored_result(self) -> Any:
        if not is_reference(self.data):
            raise MissingResult
        return read_reference(self.data, trusted=current_storage())

    def exception(self) -> BaseException:
        """Return why the run did not complete: what its author raised, where that can be read."""
        if isinstance(self.data, BaseException):
            return self.data
        if isinstance(self.data, Result) and isinstance(self.data.value, list | tuple | set):
            # Several states, of which the first that did not complete says why.
            for each in self.data.value:
                if isinstance(each, State) and not each.is_completed():
                    return each.exception()
        with suppress(MissingResult, ResultNotPersisted):
            if isinstance(stored := self._stored_result(), BaseException):
                return stored
        wrappers: dict[StateType, type[Exception]] = {
            StateType.CRASHED: CrashedRun,
            StateType.CANCELLED: CancelledRun,
        }
        return wrappers.get(self.type, FailedRun)(self.message)

    def __repr__(self) -> str:
        """Show the outcome too, as Prefect does."""
        shown = self.data.value if isinstance(self.data, Result) else self.data
        return f"{self.name}(message={self.message!r}, type={self.type}, result={shown!r})"

    def __str__(self) -> str:
        name = self.name or ""
        parts = [repr(self.message)] if self.message else []
        if name.lower() != self.type.lower():
            parts.append(f"type={self.type}")
        return f"{name}({', '.join(parts)})"


class FlowRun(wire.FlowRun):
    """A flow run as the server has it now."""

    state: State[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRun:
    """A task run, as hooks are given it."""

    id: UUID
    name: str
    flow_run_id: UUID | None
    state: State[Any]


class OrchestrationResult(wire.OrchestrationResult):
    """The verdict on a proposed state, and the state the run has now."""

    state: State[Any] | None = None
    # Whether the server compares states before it writes: its answer has the state's entity tag.
    _compares: bool = PrivateAttr(default=False)

    @property
    def compares(self) -> bool:
        return self._compares

    def noted(self, *, compares: bool) -> Self:
        """Return it with what the answer's headers say."""
        self._compares = compares
        return self


def completed[R](value: R) -> State[R]:
    return State(type=StateType.COMPLETED, data=Result(value))


def failed(error: BaseException, message: str, *, name: str = "Failed") -> State[Any]:
    return State(type=StateType.FAILED, name=name, message=message, data=error)


def failed_with(error: Exception, prefix: str) -> State[Any]:
    """Make the state of a run that ended in `error`, with Prefect's message."""
    return failed(error, printable(f"{prefix} {type(error).__name__}: {error}"))


def timed_out(error: TimeoutError, limit: TimeLimit | None, *, own: str, other: str) -> State[Any]:
    """Make the state of a run that took too long by its own limit, or by another one."""
    is_own = limit is not None and limit.raised is error
    return failed(error, own if is_own else printable(f"{other}: {error!r}"), name="TimedOut")


def crashed(error: BaseException) -> State[Any]:
    """Make the state of a run that something from outside its code ended."""
    message = printable(_crash_message(error))
    return State(type=StateType.CRASHED, message=message, data=error)


def _crash_message(error: BaseException) -> str:
    import asyncio

    if isinstance(error, asyncio.CancelledError):
        return "Execution was cancelled by the runtime environment."
    if isinstance(error, KeyboardInterrupt):
        return "Execution was aborted by an interrupt signal."
    if isinstance(error, TerminationSignal):
        return "Execution was aborted by a termination signal."
    if isinstance(error, SystemExit):
        return "Execution was aborted by Python system exit call."
    name = type(error).__name__
    return f"Execution was interrupted by an unexpected exception: {name}: {error}"


def printable(text: str) -> str:
    """Make `text` one that every database stores: no NUL, no lone surrogate, not endless."""
    return storable(text[:LONGEST_MESSAGE])


def storable(text: str) -> str:
    """Replace what no database stores in a text: NUL and lone surrogates."""
    if text.isascii() and "\x00" not in text:
        return text
    text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.encode(errors="replace").decode()


def to_wire(state: State[Any], flow_run_id: UUID, transition_id: UUID) -> wire.StateCreate:
    """Write `state` for the server; of the outcome only where it is stored.

    The id of the transition lets the server know a proposal that was sent twice.
    """
    ids = {"flow_run_id": flow_run_id, "transition_id": transition_id}
    return wire.StateCreate(
        type=state.type,
        name=state.name,
        message=state.message,
        data=_reference_in(state.data),
        state_details=state.state_details.model_copy(update=ids),
    )


def _reference_in(data: Any) -> dict[str, Any] | None:
    return dict(data.reference) if isinstance(data, Result) and data.reference else None
