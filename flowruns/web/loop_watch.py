"""Watching the background loops, which may run in another process, on another machine."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db import Error

from flowruns.pubsub import outages, waiters
from flowruns.services.upkeep.rounds import PATIENCE, StillLoop, find_still_loops

_LOOK_SECONDS = 10.0

_log = logging.getLogger(__name__)


class LoopWatch:
    """Remembers which loops stand still, and logs when one begins and ends to."""

    def __init__(self) -> None:
        self._still: dict[str, StillLoop] = {}

    @property
    def still(self) -> list[StillLoop]:
        return list(self._still.values())

    def note(self, found: Sequence[StillLoop]) -> None:
        before, self._still = self._still, {each.loop: each for each in found}
        for each in found:
            if each.loop not in before:
                _log.error("%s. Is `work` running?", each)
        for loop in before.keys() - self._still.keys():
            _log.warning("%s runs again.", before[loop].name)


watch = LoopWatch()


async def watch_loops() -> None:
    """Look again and again which loops stand still.

    After an outage of the database they have time to begin again.
    """
    look = partial(find_still_loops, settings.BACKGROUND_LOOPS, watched_since=datetime.now(UTC))
    outage_at: float | None = None
    while True:
        try:
            found = await waiters.ask_database(look)
            if outage_at is None or time.monotonic() - outage_at > PATIENCE.total_seconds():
                watch.note(found)
        except Error as error:
            outage_at = time.monotonic()
            outages.note_failure(error)
        await asyncio.sleep(_LOOK_SECONDS)
