"""The process that waits for the next run of those who serve."""

import asyncio
from asyncio.subprocess import Process

import pytest

from flowruns.sdk.serving import spares
from flowruns.sdk.serving.spares import Spares, tell

pytestmark = pytest.mark.slow


def test_a_process_waits_for_its_run_and_ends_where_none_comes() -> None:
    async def serve() -> None:
        kept = Spares()
        kept.prepare()
        process = await kept.take()
        assert process.returncode is None
        await tell(process, "")
        assert await process.wait() == 0

        kept.prepare()
        kept.prepare()
        assert kept._next is not None
        killed = await kept._next
        killed.kill()
        await killed.wait()
        other = await kept.take()
        assert other.pid != killed.pid, "one that somebody ended is not told a run"
        other.kill()
        await other.wait()
        await tell(other, "[]")

        kept.prepare()
        assert kept._next is not None
        waiting = await kept._next
        await kept.end()
        assert waiting.returncode == 0

    asyncio.run(serve())


def test_the_next_process_begins_after_the_run_that_took_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def serve() -> None:
        begun, begin = asyncio.Event(), spares._begin

        async def tell_of_beginning() -> Process:
            begun.set()
            return await begin()

        monkeypatch.setattr(spares, "_begin", tell_of_beginning)
        monkeypatch.setattr(spares, "SPARE_SECONDS", 0.01)
        kept = Spares()
        process = await kept.take()
        begun.clear()
        await begun.wait()
        await tell(process, "")
        await kept.end()
        assert await process.wait() == 0

    asyncio.run(serve())
