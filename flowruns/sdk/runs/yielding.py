"""Functions that yield, as flows and tasks: their bodies run within the run, item by item."""

import inspect
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from flowruns.sdk.context import copy_context
from flowruns.sdk.steps.drive import Connection, perform
from flowruns.sdk.steps.steps import Emit, Invoke, Left, Steps

if TYPE_CHECKING:
    from flowruns.sdk.steps.limits import TimeLimit


def yields(function: Callable[..., Any]) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def is_awaited(function: Callable[..., Any]) -> bool:
    """Whether a function runs in an event loop."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def invoke_steps(
    function: Callable[..., Any],
    call: Callable[[], Any],
    limit: "TimeLimit | None",
    *,
    keeps: bool,
) -> Steps[Any]:
    """Call the author's `function`, and return what it returns.

    Of one that yields, each item is handed on at once; the list of all is returned if it `keeps`
    them: there may be no end of them.
    """
    value = yield Invoke(call, limit)
    if not yields(function):
        return value
    items: list[Any] = []
    advance: Callable[[Any], Any] = partial(_send, value)
    answer: Any = None
    while True:
        is_over, item = yield Invoke(partial(advance, answer), limit)
        if is_over:
            return items if keeps else None
        if keeps:
            items.append(item)
        try:
            answer = yield Emit(item)
            advance = partial(_send, value)
        except Left:
            yield Invoke(partial(_close, value), limit)
            return items if keeps else None
        except Exception as error:  # noqa: BLE001 -- thrown by the caller, for the author to catch
            answer, advance = error, partial(_throw, value)


def replay_steps(items: Any) -> Steps[None]:
    """Hand on what a run yielded that is not executed again."""
    try:
        for item in items:
            yield Emit(item)
    except Left:
        return


def _send(values: Any, answer: Any) -> Any:
    if inspect.isasyncgen(values):
        return _await(values.asend(answer))
    return _next(partial(values.send, answer))


def _throw(values: Any, error: Exception) -> Any:
    if inspect.isasyncgen(values):
        return _await(values.athrow(error))
    return _next(partial(values.throw, error))


def _close(values: Any) -> Any:
    return values.aclose() if inspect.isasyncgen(values) else values.close()


def _next(advance: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return False, advance()
    except StopIteration:
        return True, None


async def _await(item: Any) -> tuple[bool, Any]:
    try:
        return False, await item
    except StopAsyncIteration:
        return True, None


def stream[T](steps: Steps[T], connection: Connection) -> Generator[Any, Any, T]:
    """Play `steps` as far as their items are taken, in a context of their own."""
    context = copy_context()
    answer: Any = None
    error: BaseException | None = None
    has_left = False
    while True:
        try:
            step = context.run(steps.throw, error) if error else context.run(steps.send, answer)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typed Any by the standard library
        answer = error = None
        try:
            if isinstance(step, Emit):
                answer = yield _item(step, has_left=has_left)
            else:
                answer = context.run(perform, step, connection)
        except GeneratorExit:
            has_left, error = True, Left()
        except BaseException as raised:  # noqa: BLE001 -- the steps decide what it means
            error = raised


def _item(step: Emit, *, has_left: bool) -> Any:
    if has_left:
        raise Left
    return step.item
