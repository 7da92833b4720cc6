"""The @task decorator."""

import functools
from collections.abc import (
    AsyncGenerator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
)
from typing import Any, Concatenate, Literal, Unpack, overload
from uuid import uuid4

from flowruns.sdk.context import copy_context, current_task_run, require_flow_run
from flowruns.sdk.dispatch import connected, on_loop, on_thread
from flowruns.sdk.errors import ParameterBindError
from flowruns.sdk.runs import parameters as params
from flowruns.sdk.runs.definitions import TaskDefinition
from flowruns.sdk.runs.futures import TaskFuture, TaskFutures, Upstream, call_options
from flowruns.sdk.runs.options import TaskOptions, bind_method, check_options
from flowruns.sdk.runs.task_engine import TaskEngine
from flowruns.sdk.runs.yielding import stream
from flowruns.sdk.states import State


class unmapped[T]:  # noqa: N801 -- Prefect's name, and it reads as a function
    """Gives the same value to every task run of `task.map`.

    Example: `charge.map(orders, currency=unmapped("EUR"))`
    """

    def __init__(self, value: T) -> None:
        self.value = value


class Task[**P, R](TaskDefinition[P, R]):
    """A function whose every call is a task run; made by `@task`."""

    @overload
    def __get__(self, instance: None, owner: type) -> "Task[P, R]": ...
    @overload
    def __get__[T, **Q](
        self: "Task[Concatenate[T, Q], R]", instance: T, owner: type
    ) -> "Task[Q, R]": ...
    def __get__(self, instance: Any, owner: type) -> Any:
        """Be a method where the task stands in the body of a class."""
        return bind_method(self, instance, owner)

    def with_options(self, **options: Unpack[TaskOptions]) -> "Task[P, R]":
        """Return a task of the same function with other options; hooks stay, unless given.

        Example: `charge.with_options(retries=5, task_run_name="charge-{order}")`
        """
        return self._changed(options)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__[T](
        self: "Task[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, *args: Any, wait_for: Upstream, **kwargs: Any) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task here and return what its function returns, or raise what it raises.

        With `return_state=True` the final state is returned instead, whatever happened.
        `wait_for` names futures that must complete before.
        """
        return_state, wait_for = call_options(kwargs)
        params.bind(self.fn, args, kwargs)
        engine = TaskEngine(self, uuid4(), args, kwargs, wait_for)
        if self.yields and not return_state:
            engine.is_streamed = True
            return self._astream(engine) if self.is_async else self._stream(engine)
        play = self._acall if self.is_async else self._call
        return play(engine, return_state=return_state)

    def _stream(self, engine: TaskEngine) -> Generator[Any, Any, None]:
        with connected() as connection:
            state = yield from stream(engine.play(), connection)
        state.result()

    def _astream(self, engine: TaskEngine) -> AsyncGenerator[Any, Any]:
        from flowruns.sdk.runs.handover import astream

        return astream(lambda _: engine.play(), State.result)

    def _call(self, engine: TaskEngine, *, return_state: bool) -> Any:
        state = on_thread(engine.play())
        return state if return_state else state.result()

    async def _acall(self, engine: TaskEngine, *, return_state: bool) -> Any:
        state = await on_loop(engine.play())
        return state if return_state else state.result()

    @overload
    def submit[T](  # type: ignore[overload-overlap] # a task has no parameter `return_state`
        self: "Task[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs
    ) -> TaskFuture[T]: ...
    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> TaskFuture[R]: ...
    @overload
    def submit(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[Any]: ...
    @overload
    def submit(self, *args: Any, wait_for: Upstream, **kwargs: Any) -> TaskFuture[Any]: ...
    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task in a thread of the current flow run and return a future.

        Arguments may be futures; `wait_for` names others that must complete before. With
        `return_state=True` the call blocks and returns the final state.

        Example: `totals = [add.submit(a, b) for a, b in pairs]`
        """
        return_state, wait_for = call_options(kwargs)
        params.bind(self.fn, args, kwargs)
        future = self._submit(TaskEngine(self, uuid4(), args, kwargs, wait_for))
        if not return_state:
            return future
        future.wait()
        return future.state

    def _submit(self, engine: TaskEngine) -> TaskFuture[Any]:
        run = require_flow_run("Tasks can only be submitted from within a flow run.")
        if current_task_run() is None:
            run.leave_if_suspended()
        engine.is_submitted = True
        engine.announce()
        state = run.pool.submit(copy_context().run, self._play_in_thread, engine)
        return TaskFuture(engine.task_run_id, state)

    def _play_in_thread(self, engine: TaskEngine) -> State[Any]:
        if self.is_async:
            import asyncio

            return asyncio.run(on_loop(engine.play()))
        return on_thread(engine.play())

    def map(self, *args: Any, **kwargs: Any) -> TaskFutures[Any]:
        """Submit one task run per item of the arguments, which are iterables of one length.

        Strings, mappings and `unmapped` values are given to every run. `wait_for` names futures
        that must complete before any.

        Example: `charge.map(orders, currency="EUR").result()`
        """
        _, wait_for = call_options(kwargs)
        parameters = params.bind(self.fn, args, kwargs)
        rows = _rows(parameters)
        calls = [params.unbind(self.fn, row) for row in rows]
        return TaskFutures(
            self._submit(TaskEngine(self, uuid4(), *arguments, wait_for)) for arguments in calls
        )


def _rows(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {name: list(value) for name, value in parameters.items() if _is_mapped(value)}
    lengths = {len(column) for column in columns.values()}
    if not columns:
        raise ParameterBindError("map() needs at least one argument that is iterable")
    if len(lengths) > 1:
        sizes = {name: len(column) for name, column in columns.items()}
        raise ParameterBindError(f"map() needs iterables of one length, not {sizes}")
    constants = {
        name: value.value if isinstance(value, unmapped) else value
        for name, value in parameters.items()
        if name not in columns
    }
    return [
        constants | {name: column[index] for name, column in columns.items()}
        for index in range(lengths.pop())
    ]


def _is_mapped(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | unmapped)


@overload
def task[**P, R](fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task[**P, R](
    **options: Unpack[TaskOptions],
) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(fn: Any = None, /, **options: Any) -> Any:
    """Make a task of a function, sync or async; semantics of Prefect 3.9.

    Each call is a task run: logged under its own name, or under `task_run_name`, a template of the
    parameters or a function; `tags` are shown with it. `task.submit` runs it in a thread of the
    flow run. A pause inside a task pauses the flow run that the task belongs to. A function that
    yields runs as far as its items are taken; submitted, its result is the list of them.

    A failed one is tried again `retries` times, after `retry_delay_seconds`: one number, one for
    each time, or a function of the number of retries that gives them. Each is made up to
    `retry_jitter_factor` times itself longer or shorter, by chance. `retry_condition_fn`, called
    with the task, its run and the failed state, says whether to try again.

    With `persist_result=True`, on the task or its flow, the result is pickled in a folder,
    `result_storage` or ~/.flowruns/results: called again in the same flow run with equal
    arguments and unchanged source, the task is `Cached` and not executed, also in the process
    that goes on after a suspension.

    An attempt that takes longer than `timeout_seconds`, waiting for a person aside, fails as
    TimedOut. Async code is cancelled at its next `await`, sync code in the main thread is
    interrupted; sync code in another thread, where submitted tasks run, cannot be stopped, runs
    to its end and has its result dropped.

    Hooks are called with the task, its run and the state: `on_running`, `on_completion`,
    `on_failure`. One that fails is logged and changes nothing. `@my_task.on_failure` adds one.

    Example:
        @task(retries=3, retry_delay_seconds=[1, 5, 30])
        def charge(order: int) -> str: ...
    """
    check_options("task", options, TaskOptions)
    return Task(fn, **options) if fn is not None else functools.partial(Task, **options)
