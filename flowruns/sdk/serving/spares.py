"""Processes for runs, the next of which is there before its run: it has loaded what all need."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass, field

# The run that took the last one has the processors first.
SPARE_SECONDS = 1.0


@dataclass(slots=True)
class Spares:
    """Keeps one process that waits to be told its run."""

    _next: "asyncio.Task[Process] | None" = field(init=False, default=None)
    _prepares: asyncio.TimerHandle | None = field(init=False, default=None)
    _is_over: bool = field(init=False, default=False)

    def prepare(self) -> None:
        """Begin the next process, unless there is one."""
        if self._next is None and not self._is_over:
            self._next = asyncio.create_task(_begin())

    async def take(self) -> Process:
        """Return a process that is still to be told its run on its input."""
        waiting, self._next = self._next, None
        process = await waiting if waiting else None
        if process is None or process.returncode is not None:  # somebody ended it
            process = await _begin()
        if self._prepares is not None:
            self._prepares.cancel()
        self._prepares = asyncio.get_running_loop().call_later(SPARE_SECONDS, self.prepare)
        return process

    async def end(self) -> None:
        """Let the process that waits go; none follows."""
        self._is_over = True
        if self._prepares is not None:
            self._prepares.cancel()
        if self._next is not None:
            process = await self._next
            await tell(process, "")
            await process.wait()


async def _begin() -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "flowruns.sdk.serving.child"),
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdin=PIPE,
        # Ctrl-C in a terminal is for the serving process, which gives its runs time.
        start_new_session=True,
    )


async def tell(process: Process, text: str) -> None:
    """Write all of a process's input; one that has died is noticed by its exit code."""
    assert process.stdin is not None  # noqa: S101 -- it was begun with a pipe
    with suppress(ConnectionError):
        process.stdin.write(text.encode())
        await process.stdin.drain()
    process.stdin.close()
