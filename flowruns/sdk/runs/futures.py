"""What becomes of submitted tasks, and the values and states that they stand for."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flowruns.domain.states import StateType
from flowruns.sdk.context import MOST_THREADS
from flowruns.sdk.errors import UpstreamTaskError
from flowruns.sdk.results import Result
from flowruns.sdk.states import State, completed

_COLLECTIONS = frozenset({list, tuple, set})


class TaskFuture[R]:
    """A task run in progress in another thread; semantics of Prefect 3.9."""

    def __init__(self, task_run_id: UUID, finished: "Future[State[R]]") -> None:
        self.task_run_id = task_run_id
        self._finished = finished

    @property
    def state(self) -> State[R]:
        """The final state, or PENDING before the end."""
        if self._finished.done() and not self._finished.cancelled():
            return self._finished.result()
        return State(type=StateType.PENDING)

    def wait(self, timeout: float | None = None) -> None:
        """Block until the task run has ended, or for `timeout` seconds."""
        try:
            self._finished.exception(timeout)
        except FutureTimeout:
            return

    def result(self, timeout: float | None = None, *, raise_on_failure: bool = True) -> R:
        """Block for the value; raises what the task raised, or TimeoutError after `timeout` s."""
        try:
            state = self._finished.result(timeout)
        except FutureTimeout:
            raise TimeoutError(
                f"Task run {self.task_run_id} did not complete within {timeout} seconds"
            ) from None
        return state.result(raise_on_failure=raise_on_failure)

    def add_done_callback(self, callback: "Callable[[TaskFuture[R]], object]") -> None:
        self._finished.add_done_callback(lambda _: callback(self))


# What a call is to wait for.
type Upstream = Iterable[Any] | TaskFuture[Any]


class TaskFutures[R](list[TaskFuture[R]]):
    """What `task.map` returns."""

    def wait(self) -> None:
        """Block until every task run has ended."""
        for future in self:
            future.wait()

    def result(self, *, raise_on_failure: bool = True) -> list[R]:
        """Block for all values; raises what the first task raised that failed, when it does."""
        if raise_on_failure:
            for finished in as_completed([future._finished for future in self]):  # noqa: SLF001 -- our own
                finished.result().result()
        return [future.result(raise_on_failure=raise_on_failure) for future in self]


def _replace(value: Any, kind: type, replace: Callable[[Any], Any]) -> Any:
    """Replace instances of `kind` in `value`, also inside of plain collections."""
    if isinstance(value, kind):
        return replace(value)
    if isinstance(value, TaskFutures):
        return [_replace(item, kind, replace) for item in value]
    if type(value) in _COLLECTIONS:
        return type(value)(_replace(item, kind, replace) for item in value)
    if type(value) is dict:
        return {key: _replace(item, kind, replace) for key, item in value.items()}
    return value


def has_futures(value: Any) -> bool:
    """Whether there are futures in `value`; one without is passed on as it is, not copied."""
    seen: set[int] = set()
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, TaskFuture):
            return True
        if id(item) in seen:
            continue
        if isinstance(item, TaskFutures) or type(item) in _COLLECTIONS:
            seen.add(id(item))
            left.extend(item)
        elif type(item) is dict:
            seen.add(id(item))
            left.extend(item.values())
    return False


def results_of(value: Any) -> Any:
    """Wait for the futures in `value` and put their results in their places."""
    return _replace(value, TaskFuture, lambda future: future.result())


def states_of(value: Any) -> Any:
    """Wait for the futures in `value` and put their final states in their places."""

    def final_state(future: TaskFuture[Any]) -> State[Any]:
        future.wait()
        return future.state

    return _replace(value, TaskFuture, final_state) if has_futures(value) else value


def replace_states(value: Any, replace: Callable[[State[Any]], Any]) -> Any:
    return _replace(value, State, replace)


def wait_for_completion(given: Any) -> None:
    """Wait for what a run is to wait for; raise UpstreamTaskError where one did not complete."""
    replace_states(states_of(given), completed_result)


def completed_result(state: State[Any]) -> Any:
    """Return the result of a task run that another run needs; raises UpstreamTaskError."""
    if not state.is_completed():
        run_id = state.state_details.task_run_id
        raise UpstreamTaskError(f"Upstream task run '{run_id}' did not reach a 'COMPLETED' state.")
    return state.result()


def call_options(kwargs: dict[str, Any]) -> tuple[bool, tuple[Any, ...]]:
    """Take what every call understands out of `kwargs`: `return_state`, and `wait_for` as many."""
    return_state, wait_for = bool(kwargs.pop("return_state", False)), kwargs.pop("wait_for", None)
    if isinstance(wait_for, list | tuple | set):
        return return_state, tuple(wait_for)
    return return_state, () if wait_for is None else (wait_for,)


def _given_states(value: Any) -> Iterator[State[Any]]:
    if isinstance(value, State):
        yield value
    elif isinstance(value, list | tuple | set) and all(isinstance(item, State) for item in value):
        yield from value


def conclude(value: Any) -> State[Any]:
    """Make the final state of a run that returned `value`: states decide, data completes."""
    if isinstance(value, State) and value.state_details.task_run_id is None:
        return value
    states = list(_given_states(value))
    if not states:
        return completed(value)
    failures = [state for state in states if not state.is_completed()]
    if not failures:
        state = completed(value)
        state.message = "All states completed."
        return state
    # Several are kept: which ones failed is for the caller to see.
    data = failures[0].exception() if isinstance(value, State) else Result(value)
    return _failed_group(states, failures, data)


def _failed_group(states: list[State[Any]], failures: list[State[Any]], data: Any) -> State[Any]:
    cancelled = sum(state.is_cancelled() for state in states)
    kind, word, count = StateType.FAILED, "failed", len(failures)
    if cancelled:
        kind, word, count = StateType.CANCELLED, "cancelled", cancelled
    message = f"{count}/{len(states)} states {word}."
    return State(type=kind, message=message, data=data)


@dataclass(frozen=True, slots=True)
class ThreadPoolTaskRunner:
    """Runs the submitted tasks of a flow run in at most `max_workers` threads, as in Prefect 3.9.

    A task that waits for tasks that it has submitted keeps its thread meanwhile: leave it enough.

    Example: `@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))`
    """

    max_workers: int = MOST_THREADS

    def __post_init__(self) -> None:
        if self.max_workers < 1:
            raise ValueError("max_workers must be 1 or more")
