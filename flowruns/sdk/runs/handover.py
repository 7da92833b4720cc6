"""Async functions that yield: their run is an asyncio task, and hands its items over."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from flowruns.sdk.dispatch import aconnected
from flowruns.sdk.steps.drive import AsyncConnection, arun
from flowruns.sdk.steps.steps import Emit, Left, Steps


class Handover:
    """Hands items from the asyncio task of a run to who takes them, and their answers back."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[tuple[Any, asyncio.Future[Any]]] = asyncio.Queue()
        self._has_left = False

    async def emit(self, step: Emit) -> Any:
        if self._has_left:
            raise Left
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._items.put_nowait((step.item, answer))
        return await answer

    async def take(self, run: "asyncio.Task[Any]") -> tuple[Any, asyncio.Future[Any]] | None:
        """Wait for the next item and return it, or None when the run is over."""
        taking = asyncio.ensure_future(self._items.get())
        try:
            await asyncio.wait({taking, run}, return_when=asyncio.FIRST_COMPLETED)
            return taking.result() if taking.done() else None
        finally:
            taking.cancel()

    def leave(self, answer: asyncio.Future[Any]) -> None:
        self._has_left = True
        answer.set_exception(Left())


async def astream[T](
    play: Callable[[AsyncConnection], Steps[T]], finish: Callable[[T], Any]
) -> AsyncGenerator[Any, Any]:
    """Play steps as far as their items are taken, in an asyncio task of their own.

    `finish` is called with what they return, when no more items come.
    """
    handover = Handover()
    async with aconnected() as connection:
        run = asyncio.create_task(arun(play(connection), connection, emit=handover.emit))
        try:
            while taken := await handover.take(run):
                item, answer = taken
                try:
                    answer.set_result((yield item))
                except GeneratorExit:
                    handover.leave(answer)
                    await run
                    raise
                except Exception as error:  # noqa: BLE001 -- thrown by the caller
                    answer.set_exception(error)
        except asyncio.CancelledError:
            run.cancel()
            await asyncio.wait({run})
            raise
        finish(await run)
