"""Play steps where the caller stands: in its thread, or in its event loop."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from flowruns.sdk.context import current_flow_run, in_async_code
from flowruns.sdk.steps.drive import AsyncConnection, Connection, arun, run
from flowruns.sdk.steps.steps import Steps


@contextmanager
def connected() -> Iterator[Connection]:
    """Lend the run's connection, or one for a while."""
    context = current_flow_run()
    if context is not None and isinstance(context.connection, Connection):
        yield context.connection
        return
    with Connection() as connection:
        yield connection


@asynccontextmanager
async def aconnected() -> AsyncIterator[AsyncConnection]:
    """Lend the run's connection if it belongs to this loop, or one for a while."""
    context = current_flow_run()
    lent = context.connection if context else None
    if isinstance(lent, AsyncConnection) and lent.is_of_this_loop():
        yield lent
        return
    async with AsyncConnection() as connection:
        yield connection


def on_thread[T](steps: Steps[T]) -> T:
    with connected() as connection:
        return run(steps, connection)


async def on_loop[T](steps: Steps[T]) -> T:
    async with aconnected() as connection:
        return await arun(steps, connection)


def dispatch(steps: Steps[Any]) -> Any:
    """Play `steps`, or return a coroutine that does where the caller can await."""
    return on_loop(steps) if in_async_code() else on_thread(steps)
